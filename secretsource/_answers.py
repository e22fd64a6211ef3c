"""Asking a resolver: whatever it does, what comes of it is an answer, or an error that leads to none of its frames."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import cast

from secretsource._chain import Ask
from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    DeadlineExceeded,
    InvalidResponse,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
    is_ctrl_c,
)
from secretsource.resolvers import SupportsFetchMany, is_local

__all__ = ["ask_for", "ask_for_many"]

_Answer = Document | NotThere | SecretSourceError


def ask_for(ask: Ask, deadline: Deadline) -> _Answer:
    """Ask the resolver for one document."""
    if deadline.expired and not is_local(ask.link.resolver):
        return DeadlineExceeded("no worker was free before the deadline")
    try:
        answer = ask.link.resolver.fetch(ask.location, deadline)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        return _detached(error)
    return _checked(answer)


def ask_for_many(asks: Sequence[Ask], deadline: Deadline) -> list[_Answer]:
    """Ask one resolver, which has ``fetch_many``, for several documents."""
    if deadline.expired:
        return [DeadlineExceeded("no worker was free before the deadline") for _ in asks]
    resolver = cast(SupportsFetchMany, asks[0].link.resolver)
    try:
        answers: object = resolver.fetch_many([ask.location for ask in asks], deadline)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        return [_detached(error) for _ in asks]
    if not isinstance(answers, Sequence) or len(answers) != len(asks):
        return [ResolverError("the resolver's fetch_many did not return one answer for each") for _ in asks]
    return [_checked(answer) for answer in answers]


def _checked(answer: object) -> _Answer:
    if answer is None:
        return NotThere()
    if isinstance(answer, Document | NotThere):
        return answer
    if isinstance(answer, BaseException):  # fetch_many tells errors of single documents as values
        return _detached(answer)
    return ResolverError(f"the resolver returned {type(answer).__name__}, which is no Document")


def _detached(error: BaseException) -> NotThere | SecretSourceError:
    """Return what a resolver raised as a value that leads to none of its frames."""
    if isinstance(error, SecretNotFound):
        return NotThere()
    with contextlib.suppress(Exception):  # a third party's own kind may not be made as ours are
        if isinstance(error, ResolverError):
            return error.copy()
        if isinstance(error, SecretSourceError):
            return type(error)(*error.args)
    raised = f"the resolver raised {type(error).__name__}"
    kinds = (AccessDenied, DeadlineExceeded, BackendUnavailable, InvalidResponse)
    return next((kind(raised) for kind in kinds if isinstance(error, kind)), ResolverError(raised))
