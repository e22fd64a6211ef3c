"""Asking a resolver: whatever it does, what comes of it is an answer, or an error that leads to none of its frames."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import cast

from secretsource._chain import Ask, Link
from secretsource._deadline import Deadline, is_seconds
from secretsource._guard import refusal
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
from secretsource.resolvers import (
    Health,
    Location,
    Resolver,
    SupportsCheck,
    SupportsFetchFresh,
    SupportsFetchMany,
    SupportsPolicy,
    SupportsRenew,
    is_local,
)

__all__ = ["ask_for", "ask_for_many", "ask_health", "policy_of", "prolong"]

_Answer = Document | NotThere | SecretSourceError


def ask_for(ask: Ask, deadline: Deadline, *, fresh: bool = False) -> _Answer:
    """Ask the resolver for one document.

    Args:
        ask: What is wanted.
        deadline: When.
        fresh: Ask past what the resolver has between it and the backend.
    """
    if (refused := _refusal(ask)) is not None:
        return refused
    if deadline.expired and not is_local(ask.link.resolver):
        return DeadlineExceeded("no worker was free before the deadline")
    resolver = ask.link.resolver
    past = fresh and hasattr(resolver, "fetch_fresh")
    fetch = cast(SupportsFetchFresh, resolver).fetch_fresh if past else resolver.fetch
    try:
        answer = fetch(ask.location, deadline)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        return _detached(error)
    return _checked(answer)


def ask_for_many(asks: Sequence[Ask], deadline: Deadline, *, fresh: bool = False) -> list[_Answer]:
    """Ask one resolver, which has ``fetch_many``, for several documents."""
    if (refused := _refusal(asks[0])) is not None:
        return [refused for _ in asks]
    if fresh and hasattr(asks[0].link.resolver, "fetch_fresh"):
        return [ask_for(ask, deadline, fresh=True) for ask in asks]
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


def prolong(ask: Ask, document: Document, deadline: Deadline) -> Document | SecretSourceError | None:
    """Ask the resolver to let the lease of *document* go on.

    Returns:
        The document with what its lease is now; `None` if it is better to ask for another one; or why the backend
        cannot say.
    """
    if not hasattr(ask.link.resolver, "renew"):
        return None
    if (refused := _refusal(ask)) is not None:
        return refused
    try:
        seconds: object = cast(SupportsRenew, ask.link.resolver).renew(ask.location, document, deadline)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        said = _detached(error)
        return None if isinstance(said, NotThere) else said
    if seconds is None:
        return None
    if not isinstance(seconds, int | float) or not is_seconds(seconds):
        return ResolverError(f"the resolver's renew returned {type(seconds).__name__}, which is no time")
    return document.prolonged(seconds)


def ask_health(link: Link, deadline: Deadline) -> Health | SecretSourceError:
    """Ask the resolver of *link*, which has ``check``, who the backend takes us for."""
    if (refused := refusal(link.resolver, configured=link.configured)) is not None:
        return refused
    try:
        said: object = cast(SupportsCheck, link.resolver).check(deadline)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        said = _detached(error)
    if isinstance(said, SecretSourceError) or (isinstance(said, Health) and _is_health(said)):
        return said
    return ResolverError(f"the resolver's check returned {type(said).__name__}, which is no Health")


def policy_of(resolver: Resolver, locations: Sequence[Location]) -> str:
    """Return the policy that lets all *locations* be read; empty where the resolver cannot tell."""
    if not hasattr(resolver, "policy_for"):
        return ""
    try:
        said: object = cast(SupportsPolicy, resolver).policy_for(locations)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        return ""
    return said if isinstance(said, str) else ""


def _refusal(ask: Ask) -> SecretSourceError | None:
    return refusal(ask.link.resolver, ask.location, configured=ask.link.configured)


def _is_health(health: Health) -> bool:
    texts: tuple[object, ...] = (health.identity, health.detail)
    seconds: object = health.expires_in
    is_time = isinstance(seconds, int | float) and float("-inf") < seconds < float("inf")
    return all(isinstance(text, str) for text in texts) and (seconds is None or is_time)


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
