"""Every error that secretsource raises, as one tree.

    SecretSourceError
    ├── ConfigError
    ├── InvalidReference        (ValueError)
    ├── InvalidValue            (ValueError)
    ├── MissingDependency       (ImportError)
    ├── SecretNotFound          (LookupError)
    └── ResolverError
        ├── AccessDenied        (PermissionError)
        ├── InvalidResponse
        ├── WriteConflict
        └── BackendUnavailable  (ConnectionError)
            └── DeadlineExceeded (TimeoutError)

Messages are made of a fixed vocabulary: names, locations, reasons, status codes, request ids, hosts and ports. They
never hold a value, a token, a header or a body, so they may be logged and shown. Errors are raised outside the
``except`` block that caught a client's exception: neither ``__cause__`` nor ``__context__`` leads to its frames, whose
local variables hold tokens.
"""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Self

from secretsource._record import Record

__all__ = [
    "AccessDenied",
    "BackendUnavailable",
    "ConfigError",
    "DeadlineExceeded",
    "InvalidReference",
    "InvalidResponse",
    "InvalidValue",
    "MissingDependency",
    "Outcome",
    "Reason",
    "ResolverError",
    "SecretNotFound",
    "SecretSourceError",
    "Step",
    "WriteConflict",
    "is_ctrl_c",
    "resolver_error",
]


class Reason(StrEnum):
    """Why a resolver has no value to give."""

    MISSING = "missing"
    DELETED = "deleted"
    FIELD = "field"
    DENIED = "denied"
    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    SEALED = "sealed"
    SERVER = "server"
    BROKEN = "broken"
    CONFLICT = "conflict"

    @property
    def text(self) -> str:
        """The words that messages use for this reason."""
        return _TEXTS[self]


_TEXTS = {
    Reason.MISSING: "not there",
    Reason.DELETED: "deleted",
    Reason.FIELD: "no such field",
    Reason.DENIED: "access denied",
    Reason.REFUSED: "connection refused or closed",
    Reason.DNS: "host name not found",
    Reason.TLS: "TLS verification failed",
    Reason.TIMEOUT: "no answer in time",
    Reason.THROTTLED: "throttled",
    Reason.SEALED: "sealed or in standby",
    Reason.SERVER: "server error",
    Reason.BROKEN: "broken answer",
    Reason.CONFLICT: "changed by somebody else",
}


class Outcome(StrEnum):
    """What one link of the chain said."""

    FOUND = "found"
    NOT_THERE = "not there"
    DENIED = "denied"
    UNAVAILABLE = "unavailable"
    INVALID = "invalid"


class Step(Record):
    """One link that was asked: where it looked and what it said. Holds no value.

    Attributes:
        link: The configured name of the resolver.
        location: Where it looked, as text.
        outcome: What it said.
        reason: Why there is no value; `None` when one was found.
        detail: More words from the fixed vocabulary, or empty.
        version: The version that was found, if the backend has versions.
        seconds: How long the link took.
        cached: Whether the answer came from the cache.
        may_be_hidden: Whether "not there" may only mean that the login may not see it.
    """

    link: str
    location: str
    outcome: Outcome
    reason: Reason | None = None
    detail: str = ""
    version: str | None = None
    seconds: float = 0.0
    cached: bool = False
    may_be_hidden: bool = False

    def __str__(self) -> str:
        """Return one line for messages: link, location, and what was said."""
        said = str(self.outcome) if self.reason is None else self.reason.text
        return f"{self.link} at {self.location}: {said}" + (f" ({self.detail})" if self.detail else "")


class SecretSourceError(Exception):
    """The base of all errors of this package."""


class ConfigError(SecretSourceError):
    """The configuration is wrong: an unknown key or resolver, a missing address, a file that cannot be trusted."""


class InvalidReference(SecretSourceError, ValueError):
    """A name or reference does not follow the grammar; raised before anything is looked up."""


class InvalidValue(SecretSourceError, ValueError):
    """A value cannot be held where it is to be written or sent, or is no text where one is used.

    The message says why, and does not show it.
    """


class MissingDependency(SecretSourceError, ImportError):
    """The client library of a backend is not installed; the message names the extra that brings it."""


class SecretNotFound(SecretSourceError, LookupError):
    """Every link of the chain looked, and none has the secret.

    Attributes:
        name: The name that was asked for.
        steps: What each link said, in order.
    """

    def __init__(self, name: str, steps: tuple[Step, ...] = ()) -> None:
        super().__init__(name)
        self.name = name
        self.steps = steps

    def __reduce__(self) -> tuple[object, ...]:
        """Let it cross process borders with its steps and notes."""
        return type(self), (self.name, self.steps), dict(self.__dict__)

    def __str__(self) -> str:
        """Name the secret and list every link with where it looked."""
        if not self.steps:
            return f"{self.name!r} was not found: the chain is empty"
        return f"{self.name!r} was not found; asked:" + _listed(self.steps)


class ResolverError(SecretSourceError):
    """A link of the chain could not say whether the secret is there.

    Args:
        detail: Words from the fixed vocabulary: a status code, an endpoint, what to do. Never a body or a header.
        reason: Why, one of `Reason`.
        resolver: The configured name of the resolver; the store fills it in when it is left empty.
        location: Where it looked; filled in likewise.
        name: The name that was asked for; filled in likewise.
        steps: What each link said, in order; filled in likewise.
        retry_after: Seconds the backend asked us to wait, or `None`.
    """

    default_reason = Reason.BROKEN

    def __init__(
        self,
        detail: str = "",
        *,
        reason: Reason | None = None,
        resolver: str = "",
        location: str = "",
        name: str = "",
        steps: tuple[Step, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = self.default_reason if reason is None else Reason(reason)
        self.resolver = resolver
        self.location = location
        self.name = name
        self.steps = steps
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Say which resolver failed where and why, and list the links that were asked before it."""
        head = f"{self.name!r}: " if self.name else ""
        where = " at ".join(part for part in (self.resolver, self.location) if part)
        several = len(self.steps) > 1  # then the list has the details
        said = self.reason.text + (f" ({self.detail})" if self.detail and not several else "")
        line = head + (f"{where}: {said}" if where else said)
        return line + ("; asked:" + _listed(self.steps) if several else "")

    def copy(
        self, *, resolver: str = "", location: str = "", name: str = "", steps: tuple[Step, ...] = ()
    ) -> Self:
        """Return a new error of the same kind, without traceback or context, with what is still empty filled in."""
        return type(self)(
            self.detail,
            reason=self.reason,
            resolver=self.resolver or resolver,
            location=self.location or location,
            name=self.name or name,
            steps=self.steps or steps,
            retry_after=self.retry_after,
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Let errors cross process borders: all they hold may be shown."""
        return _rebuild, (type(self), self.detail, dict(self.__dict__))


class AccessDenied(ResolverError, PermissionError):
    """The backend knows who we are, or refuses to, and says no. Never answered from the cache or the next link."""

    default_reason = Reason.DENIED


class InvalidResponse(ResolverError):
    """The backend answered something that is no answer: HTML, a cut body, no value, more than the size limit."""

    default_reason = Reason.BROKEN


class WriteConflict(ResolverError):
    """The current version is not the expected one, or others wrote at the same moment; read, and decide anew.

    Where a backend has no versions, none can be expected.
    """

    default_reason = Reason.CONFLICT


class BackendUnavailable(ResolverError, ConnectionError):
    """The backend could not be reached or cannot answer now. ``retry_after`` is in seconds, where it said so."""

    default_reason = Reason.SERVER


class DeadlineExceeded(BackendUnavailable, TimeoutError):
    """The deadline of the call was over before an answer came."""

    default_reason = Reason.TIMEOUT


def resolver_error(
    reason: Reason, detail: str = "", *, location: str = "", retry_after: float | None = None
) -> ResolverError:
    """Return the error that belongs to *reason*, for resolvers to raise.

    Args:
        reason: One of the reasons of an error: not ``missing``, ``deleted`` or ``field``, which are no errors.
        detail: Words from the fixed vocabulary; never a value, a header or a body.
        location: Where the resolver looked.
        retry_after: Seconds to wait, as the backend said.
    """
    kind: type[ResolverError] = BackendUnavailable
    reason = Reason(reason)
    if reason is Reason.DENIED:
        kind = AccessDenied
    elif reason is Reason.BROKEN:
        kind = InvalidResponse
    elif reason is Reason.CONFLICT:
        kind = WriteConflict
    return kind(detail, reason=reason, location=location, retry_after=retry_after)


def is_ctrl_c(error: BaseException) -> bool:
    """Whether *error* is the user's, not the resolver's: it goes to the main thread, and must end the call."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def _listed(steps: tuple[Step, ...]) -> str:
    return "".join(f"\n  {number}. {step}" for number, step in enumerate(steps, 1))


def _rebuild(kind: type[ResolverError], detail: str, state: dict[str, object]) -> ResolverError:
    error = kind(detail)
    error.__dict__.update(state)
    return error
