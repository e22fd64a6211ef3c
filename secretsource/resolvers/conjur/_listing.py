"""The variables below one path, and their values: Conjur has no documents, so they are gathered in one round."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple
from urllib.parse import quote

from secretsource._deadline import Deadline
from secretsource._secret import Document, Value
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._reply import Reply
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.conjur._answers import failure_of
from secretsource.resolvers.conjur._batches import values_of
from secretsource.resolvers.conjur._session import Session

__all__ = ["Gathering"]

_PAGE = 1000  # the most that Conjur lists at once
_PAGE_BYTES = 16 * 1024 * 1024


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
        said = values_of(
            [f"{path}/{name}" for name in self._names(path)],
            self._session,
            self._account,
            self._deadline,
            max_bytes=self._max_bytes,
        )
        failed = next((one for one in said.values() if isinstance(one, ResolverError)), None)
        if failed is not None:
            raise failed
        fields: dict[str, Value] = {
            variable.rpartition("/")[2]: one.value
            for variable, one in said.items()
            if isinstance(one, Document) and one.value is not None
        }
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


def _variables_in(reply: Reply) -> list[_Variable]:
    """Return the variables on a page."""
    page = reply.json()
    if isinstance(page, list) and all(
        isinstance(item, dict) and isinstance(item.get("id"), str) for item in page
    ):
        return [_Variable(item["id"], item.get("secrets") != []) for item in page]
    raise resolver_error(Reason.BROKEN, f"{reply.said}; no list of variables: is url right?")
