"""Errors and times in a few words, and what to do about an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from secretsource import (
    ConfigError,
    MissingDependency,
    Reason,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
)

__all__ = ["ADVICE", "ago", "duration", "said_by"]

ADVICE: Final[Mapping[Reason, str]] = {
    Reason.MISSING: "store it at one of these places, or correct the name; if programs can do without it, say "
    "required = false in its table of [secrets]",
    Reason.DELETED: "restore it, or write a new version",
    Reason.FIELD: "write that field, or correct the last segment of the name",
    Reason.DENIED: "allow it at the backend, or check the login; the words in parentheses say what is missing",
    Reason.REFUSED: "check the address, whether the server runs, and the network in between",
    Reason.DNS: "check the host in the address, and the name server",
    Reason.TLS: "set ca_file to the authority that signed the server's certificate, and check the host in the address",
    Reason.TIMEOUT: "check the network and the server; if it is only slow, give more time with --timeout",
    Reason.THROTTLED: "wait; if it stays, ask less often with a longer ttl, or raise the limit of the backend",
    Reason.SEALED: "unseal the server, or give the address of the active one",
    Reason.SERVER: "look at the log of the backend",
    Reason.BROKEN: "check the address: a proxy or another server may have answered, or the answer was cut",
    Reason.CONFLICT: "try again",
}
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def said_by(error: SecretSourceError) -> str:
    """Return what is wrong, in the words of the tables."""
    if isinstance(error, ResolverError):
        return error.reason.text
    if isinstance(error, SecretNotFound):
        reasons = [step.reason for step in error.steps if step.reason not in {None, Reason.MISSING}]
        return (reasons[-1] if reasons and reasons[-1] else Reason.MISSING).text
    if isinstance(error, ConfigError):
        return "wrongly configured"
    return "a package is missing" if isinstance(error, MissingDependency) else type(error).__name__


def duration(seconds: float) -> str:
    """Return a time in the largest unit that fits twice at least: ``45 s``, ``59 min``, ``31 d``."""
    size, unit = next((each for each in _UNITS if seconds >= 2 * each[0]), _UNITS[-1])
    return f"{max(0, int(seconds / size))} {unit}"


def ago(moment: datetime) -> str:
    """Return how long ago *moment* was."""
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return f"{duration((datetime.now(UTC) - known).total_seconds())} ago"
