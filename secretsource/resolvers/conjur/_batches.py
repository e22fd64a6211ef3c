"""The values of many variables, in as few requests as Conjur allows.

A batch is all or nothing: one variable in it that is missing, hidden or never set, and it brings no value at all. Then
each is read by itself.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere, text_or_bytes
from secretsource.errors import InvalidResponse, Reason, ResolverError, resolver_error
from secretsource.resolvers._at_once import at_once
from secretsource.resolvers._reply import Reply
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.conjur._answers import failure_of
from secretsource.resolvers.conjur._reads import read_variable
from secretsource.resolvers.conjur._session import Session

__all__ = ["Said", "values_of"]

Said = Document | NotThere | ResolverError

_PATH = 4000  # bytes of ids in one request; proxies commonly take 8 KiB
_VALUES = 2  # values of the largest size that one answer may hold
_ONE_BY_ONE = frozenset({403, 404, 406, 422})  # something is wrong with one of the ids


def values_of(
    variables: Sequence[str], session: Session, account: str, deadline: Deadline, *, max_bytes: int
) -> dict[str, Said]:
    """Return what Conjur says of each variable: its newest value, that it is not there, or why neither is known.

    Args:
        variables: Plain ids; one that stands there twice is asked for once.
        session: The conversation to ask in.
        account: Conjur's account.
        deadline: When the values are wanted.
        max_bytes: The most bytes a value may have.

    Raises:
        ConfigError: A credential is not there.
    """
    return _Batches(session, account, deadline, max_bytes).read(list(dict.fromkeys(variables)))


class _Batches:
    def __init__(self, session: Session, account: str, deadline: Deadline, max_bytes: int) -> None:
        self._session = session
        self._account = account
        self._deadline = deadline
        self._max_bytes = max_bytes

    def read(self, variables: list[str]) -> dict[str, Said]:
        batches = list(self._cut(variables))
        said: dict[str, Said] = {}
        for batch, outcome in zip(batches, at_once(self._batch, batches, self._deadline), strict=True):
            said |= dict.fromkeys(batch, outcome) if isinstance(outcome, ResolverError) else outcome
        left = [variable for variable in variables if variable not in said]
        return said | dict(zip(left, at_once(self._one, left, self._deadline), strict=True))

    def _cut(self, variables: list[str]) -> Iterator[list[str]]:
        """Yield the ids, as many at once as one request holds.

        Conjur parts the ids at commas after it has decoded them, so one with a comma inside would fail the whole batch.
        """
        batch: list[str] = []
        size = 0
        for variable in (each for each in variables if "," not in each):
            length = len(self._full_id(variable)) + 1
            if batch and size + length > _PATH:
                yield batch
                batch, size = [], 0
            batch.append(variable)
            size += length
        if batch:
            yield batch

    def _batch(self, batch: list[str]) -> Mapping[str, Document]:
        """Return the documents of a batch by id; none if they must be read one by one, as one of one must."""
        if len(batch) == 1:
            return {}
        try:
            return with_retries(lambda: self._asked(batch), self._deadline)
        except InvalidResponse:
            return {}

    def _asked(self, batch: list[str]) -> dict[str, Document]:
        target = "/secrets?variable_ids=" + ",".join(map(self._full_id, batch))
        limit = self._max_bytes * _VALUES
        reply, _ = self._session.ask(target, self._deadline, limit=limit, encoding="base64")
        if reply.status in _ONE_BY_ONE:
            return {}
        if reply.status != 200:
            raise failure_of(reply, "the token was refused, also after a new login")
        raw = _values_in(reply)
        found = {variable: raw.get(f"{self._account}:variable:{variable}") for variable in batch}
        return {
            variable: Document(value=text_or_bytes(value))
            for variable, value in found.items()
            if value is not None and len(value) <= self._max_bytes
        }

    def _one(self, variable: str) -> Document | NotThere:
        return read_variable(
            self._session, self._account, variable, self._deadline, version=None, max_bytes=self._max_bytes
        )

    def _full_id(self, variable: str) -> str:
        return quote(f"{self._account}:variable:{variable}", safe="")


def _values_in(reply: Reply) -> dict[str, bytes]:
    """Return the values of a batch by full id. In base64 they come in lines of 60."""
    encoded = reply.header("Content-Encoding") == "base64"
    try:
        answer = json.loads(reply.body)
        if isinstance(answer, dict):
            return {
                key: base64.b64decode(value.replace("\n", ""), validate=True) if encoded else value.encode()
                for key, value in answer.items()
            }
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass  # told below, outside the handler
    raise resolver_error(Reason.BROKEN, f"{reply.said}; no values in place of a batch")
