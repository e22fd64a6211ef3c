"""The variables below one path, and their values: Conjur has no documents, so they are gathered in one round."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple
from urllib.parse import quote

from secretsource._deadline import Deadline
from secretsource._secret import Document, Value, text_or_bytes
from secretsource.errors import InvalidResponse, Reason, resolver_error
from secretsource.resolvers._reply import Reply
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.conjur._answers import failure_of
from secretsource.resolvers.conjur._reads import read_variable
from secretsource.resolvers.conjur._session import Session

__all__ = ["Gathering"]

_PAGE = 1000  # the most that Conjur lists at once
_PAGE_BYTES = 16 * 1024 * 1024
_BATCH_PATH = 4000  # bytes of ids in one request; proxies commonly take 8 KiB
_BATCH_VALUES = 2  # values of the largest size that one answer may hold
_ONE_BY_ONE = frozenset(
    {403, 404, 406, 422}
)  # a batch is all or nothing: one id that is hidden, missing or never set


class _Variable(NamedTuple):
    """A variable of the list: its full id, and whether it was ever set: one that was not would fail a whole batch."""

    id: str
    is_set: bool


class Gathering:
    """One search for all variables directly below a path. No version joins their values."""

    def __init__(self, session: Session, account: str, deadline: Deadline, *, max_bytes: int) -> None:
        self._session = session
        self._account = account
        self._deadline = deadline
        self._max_bytes = max_bytes

    def below(self, path: str) -> Document | None:
        """Return the values directly below *path* by last segment, or `None` if there are none.

        Variables that were never set are left out; one that may be seen but not executed is a denial.

        Raises:
            ResolverError: Conjur said no, cannot answer, or what answered is not Conjur.
        """
        fields: dict[str, Value] = {}
        for batch in self._batches(self._names(path), path):
            fields.update(self._values(batch))
        return Document(fields=fields) if fields else None

    def _names(self, path: str) -> list[str]:
        """Return the last segments of what is visible directly below *path*.

        Conjur's search is a full-text search, which finds too much, and nothing where all words of the path are stop
        words; so the answer is filtered, and what was not found is looked for in the whole list.
        """
        return self._filtered(path, search=path) or self._filtered(path, search=None)

    def _filtered(self, path: str, *, search: str | None) -> list[str]:
        start = f"{self._account}:variable:{path}/"
        names = (known.removeprefix(start) for known in self._listed(search) if known.startswith(start))
        return sorted({name for name in names if name and "/" not in name})

    def _listed(self, search: str | None) -> Iterator[str]:
        query = f"kind=variable&limit={_PAGE}" + (f"&search={quote(search, safe='')}" if search else "")
        seen: set[str] = set()
        for offset in count(0, _PAGE):
            page = self._page(f"/resources/{quote(self._account, safe='')}?{query}&offset={offset}")
            yield from (known.id for known in page if known.is_set)
            if len(page) < _PAGE:
                return
            ids = {known.id for known in page}
            if ids <= seen:  # who ignores the offset would be listed until the deadline
                raise resolver_error(Reason.BROKEN, "the list of variables repeats itself")
            seen |= ids

    def _page(self, target: str) -> list[_Variable]:
        def attempt() -> list[_Variable]:
            reply, _ = self._session.ask(target, self._deadline, limit=_PAGE_BYTES)
            if reply.status != 200:
                raise failure_of(reply, "the list of variables is refused")
            return _variables_in(reply)

        return with_retries(attempt, self._deadline)

    def _batches(self, names: list[str], path: str) -> Iterator[dict[str, str]]:
        """Yield the ids by name, as many at once as one request holds; each id once, or Conjur answers 500."""
        batch: dict[str, str] = {}
        size = 0
        for name in names:
            variable = f"{path}/{name}"
            size += len(self._full_id(variable)) + 1
            if batch and size > _BATCH_PATH:
                yield batch
                batch, size = {}, len(self._full_id(variable)) + 1
            batch[name] = variable
        if batch:
            yield batch

    def _full_id(self, variable: str) -> str:
        return quote(f"{self._account}:variable:{variable}", safe="")

    def _values(self, batch: dict[str, str]) -> dict[str, Value]:
        try:
            values = with_retries(lambda: self._batch_values(batch), self._deadline)
        except InvalidResponse:
            values = None
        return self._one_by_one(batch) if values is None else values

    def _batch_values(self, batch: dict[str, str]) -> dict[str, Value] | None:
        """Return the values of a batch; `None` if it must be read one by one."""
        target = "/secrets?variable_ids=" + ",".join(self._full_id(variable) for variable in batch.values())
        limit = self._max_bytes * _BATCH_VALUES
        reply, _ = self._session.ask(target, self._deadline, limit=limit, encoding="base64")
        if reply.status in _ONE_BY_ONE:
            return None
        if reply.status != 200:
            raise failure_of(reply, "the token was refused, also after a new login")
        raw = _values_in(reply)
        found = {name: raw.get(f"{self._account}:variable:{variable}") for name, variable in batch.items()}
        if any(value is None or len(value) > self._max_bytes for value in found.values()):
            return None
        return {name: text_or_bytes(value) for name, value in found.items() if value is not None}

    def _one_by_one(self, batch: dict[str, str]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for name, variable in batch.items():
            found = read_variable(
                self._session,
                self._account,
                variable,
                self._deadline,
                version=None,
                max_bytes=self._max_bytes,
            )
            if isinstance(found, Document) and found.value is not None:
                values[name] = found.value
        return values


def _variables_in(reply: Reply) -> list[_Variable]:
    """Return the variables on a page."""
    try:
        page = json.loads(reply.body)
    except (ValueError, RecursionError):
        page = None
    if isinstance(page, list) and all(
        isinstance(item, dict) and isinstance(item.get("id"), str) for item in page
    ):
        return [_Variable(item["id"], item.get("secrets") != []) for item in page]
    raise resolver_error(Reason.BROKEN, f"{reply.said}; no list of variables: is url right?")


def _values_in(reply: Reply) -> dict[str, bytes]:
    """Return the values of a batch by full id. In base64 they come in lines of 60."""
    encoded = reply.header("Content-Encoding") == "base64"
    try:
        answer = json.loads(reply.body)
        if isinstance(answer, dict):
            return {
                key: base64.b64decode(value) if encoded else value.encode() for key, value in answer.items()
            }
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass  # told below, outside the handler
    raise resolver_error(Reason.BROKEN, f"{reply.said}; no values in place of a batch")
