"""Writing one variable, which a policy has made: set, read back from the server that took it, and compared."""

from __future__ import annotations

from urllib.parse import quote

from secretsource._deadline import Deadline
from secretsource._reference import shown
from secretsource._secret import Document, MaskedBytes, MaskedStr, Value
from secretsource.errors import (
    AccessDenied,
    InvalidValue,
    Reason,
    ResolverError,
    WriteConflict,
    resolver_error,
)
from secretsource.resolvers import Location
from secretsource.resolvers._put import NO_TEXT, is_text
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD, Reply
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.conjur._answers import denial_of, document_of, failure_of, is_missing
from secretsource.resolvers.conjur._policy import variable_lines
from secretsource.resolvers.conjur._session import Session

__all__ = ["Writing", "bytes_to_write"]

_WRITTEN = frozenset({200, 201, 204})


def bytes_to_write(value: Value, location: Location, max_bytes: int) -> MaskedBytes:
    """Return what is sent for *value*.

    Raises:
        InvalidValue: Conjur cannot hold it, or it could not be read again.
    """
    if isinstance(value, MaskedStr) and not is_text(value):
        raise InvalidValue(f"{location} cannot hold {NO_TEXT}")
    raw = value if isinstance(value, MaskedBytes) else MaskedBytes(value, "utf-8")
    if not raw.strip():
        raise InvalidValue(f"{location} cannot hold a value that is empty or only white space")
    if len(raw) > max_bytes:
        raise InvalidValue(
            f"{location} cannot hold more than {max_bytes:,} bytes that can be read again: see max_bytes"
        )
    return raw


class Writing:
    """One write.

    Args:
        session: The conversation to write in.
        account: Conjur's account.
        variable: The plain id.
        deadline: When it must be done.
        max_bytes: The most bytes a value may have.
    """

    def __init__(
        self, session: Session, account: str, variable: str, deadline: Deadline, *, max_bytes: int
    ) -> None:
        self._session = session
        self._variable = variable
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._rest = f"/{quote(account, safe='')}/variable/{quote(variable, safe='')}"

    def write(self, raw: MaskedBytes, expected: str | None) -> Document:
        """Set the value and return it as it was read back, with its version.

        Conjur compares no versions, so *expected* is compared before, not in the same step: who writes between the two
        is overwritten.

        Raises:
            ResolverError: See `SupportsPut.put`.
            InvalidValue: Conjur refuses the value.
        """
        if expected is not None:
            self._check_version(expected)
        where = with_retries(lambda: self._set(raw), self._deadline)
        try:
            return with_retries(lambda: self._read_back(raw, where), self._deadline)
        except AccessDenied as error:
            detail = error.detail
        raise resolver_error(Reason.DENIED, f"the value is written, but cannot be read back: {detail}")

    def _check_version(self, expected: str) -> None:
        current = with_retries(self._newest_version, self._deadline)
        if current != expected:
            told = (
                "it has no value yet, or is not visible" if current is None else f"it has version {current}"
            )
            raise WriteConflict(f"version {shown(expected)} was expected: {told}")

    def _set(self, raw: MaskedBytes) -> str:
        """Set the value once, and return who took it. The same value again makes no new version."""
        reply, token = self._session.write(f"/secrets{self._rest}", raw, self._deadline)
        if reply.status in _WRITTEN:
            return reply.where
        if reply.status == 422:
            raise InvalidValue(f"{reply.said}; Conjur refuses the value")
        raise self._why_not_set(reply, token.login)

    def _why_not_set(self, reply: Reply, login: str) -> ResolverError:
        if is_missing(reply):
            lines = variable_lines(self._variable, login)
            return resolver_error(
                Reason.DENIED,
                f"{reply.said}; missing, or not visible to {shown(login)}. A variable is made by policy first: {lines}",
            )
        hint = f"{shown(login)} may not set it: permit update"
        return failure_of(reply, denial_of(reply, login) if reply.status == 401 else hint)

    def _read_back(self, raw: MaskedBytes, where: str) -> Document:
        version = self._newest_version(where)
        query = f"?version={version}" if version else ""
        reply, token = self._session.ask(
            f"/secrets{self._rest}{query}", self._deadline, limit=self._max_bytes, only=where
        )
        found = document_of(reply, login=token.login, version=version)
        if isinstance(found, ResolverError):
            raise found
        if isinstance(found, Document) and reply.body == raw:
            return found
        raise resolver_error(
            Reason.BROKEN,
            f"{reply.said}; another value was read back than was written: written by somebody else too?",
        )

    def _newest_version(self, where: str = "") -> str | None:
        """Return the number of the newest version; `None` if there is none, or it is not visible."""
        reply, token = self._session.ask(
            f"/resources{self._rest}", self._deadline, limit=MAX_BODY_OVERHEAD * 16, only=where
        )
        if is_missing(reply):
            return None
        if reply.status != 200:
            raise failure_of(reply, denial_of(reply, token.login))
        numbers = _versions_in(reply)
        if numbers is None:
            raise resolver_error(Reason.BROKEN, f"{reply.said}; no list of versions: is url right?")
        return str(max(numbers)) if numbers else None


def _versions_in(reply: Reply) -> list[int] | None:
    said = reply.json()
    found = said.get("secrets") if isinstance(said, dict) else None
    if not isinstance(found, list):
        return None
    given = [each.get("version") for each in found if isinstance(each, dict)]
    numbers = [number for number in given if isinstance(number, int)]
    return numbers if len(numbers) == len(found) else None
