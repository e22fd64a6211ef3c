"""What each answer of a Vault server means: one table for statuses, one for hvac's own exceptions."""

from __future__ import annotations

import json
import re
from typing import NoReturn
from urllib.parse import urlsplit

from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._reply import Reply

__all__ = ["HVAC", "decoded", "failure_of", "is_missing", "reason_of_hvac", "reason_of_status"]

OK = 200

STATUSES: dict[int, Reason] = {
    401: Reason.DENIED,
    403: Reason.DENIED,
    408: Reason.SERVER,
    412: Reason.SERVER,  # the node has not yet seen what was written elsewhere
    425: Reason.SERVER,
    429: Reason.THROTTLED,
    472: Reason.SEALED,  # a disaster-recovery secondary
    473: Reason.SEALED,  # a performance standby
}
"""Statuses that mean something of their own; the others go by their hundred."""

HVAC: dict[str, Reason] = {
    "VaultError": Reason.BROKEN,
    "InvalidRequest": Reason.BROKEN,
    "Unauthorized": Reason.DENIED,
    "Forbidden": Reason.DENIED,
    "InvalidPath": Reason.BROKEN,
    "UnsupportedOperation": Reason.BROKEN,
    "PreconditionFailed": Reason.SERVER,
    "RateLimitExceeded": Reason.THROTTLED,
    "InternalServerError": Reason.SERVER,
    "VaultNotInitialized": Reason.SERVER,
    "VaultDown": Reason.SEALED,
    "UnexpectedError": Reason.BROKEN,
    "BadGateway": Reason.SERVER,
    "ParamValidationError": Reason.BROKEN,
}
"""hvac's exceptions by name. Our adapter maps statuses before hvac sees them, so they come from hvac's own checks."""

_HOST = re.compile(r"[A-Za-z0-9._\[\]:-]+", re.ASCII)


def reason_of_status(status: int, *, login: bool = False) -> Reason | None:
    """Return the reason behind an HTTP status; `None` for 200, the only one that brings an answer.

    Args:
        status: The status; 404 is `BROKEN` here: whether it is Vault's own is seen from its body, by `is_missing`.
        login: Whether it answers a login, where 400 is a denial.
    """
    if status == OK:
        return None
    if login and status == 400:
        return Reason.DENIED
    return STATUSES.get(status, Reason.SERVER if 500 <= status <= 599 else Reason.BROKEN)


def reason_of_hvac(error: Exception) -> Reason:
    """Return the reason behind one of hvac's exceptions: that of the nearest class the table knows."""
    return next((HVAC[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in HVAC), Reason.BROKEN)


def failure_of(reply: Reply, *, login: bool = False, hint: str = "") -> ResolverError | None:
    """Return the error that a reply means, or `None` if it is an answer.

    Args:
        reply: The reply.
        login: Whether it answers a login.
        hint: Said after a denial.
    """
    reason = reason_of_status(reply.status, login=login)
    if reason is None:
        return None
    if reply.status == 503 and _is_sealed(reply.body):
        reason = Reason.SEALED
    detail = reply.said + _redirected(reply) + (" on login" if login else "")
    if reason is Reason.DENIED and hint:
        detail = f"{detail}; {hint}"
    if reply.status == 404:
        detail = f"{detail}; {_advice_on_404(reply.body)}"
    return resolver_error(reason, detail, retry_after=reply.retry_after)


def _advice_on_404(body: bytes) -> str:
    """Say what is wrong where a 404 is not "nothing there"; of the server's words, nothing is repeated."""
    errors = (decoded(body) or {}).get("errors")
    if not isinstance(errors, list):
        return "check address: this is no answer of Vault"
    return "check namespace and mount" if errors else "check the path in address"


def _redirected(reply: Reply) -> str:
    """Name scheme and host of a redirect, and nothing else of it."""
    target = reply.headers.get("Location", "")
    if not (300 <= reply.status <= 399 and target):
        return ""
    try:
        parts = urlsplit(target)
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        return ": redirect not followed"
    if parts.scheme not in {"http", "https"} or _HOST.fullmatch(host) is None:
        return ": redirect not followed"
    return f": redirect to {parts.scheme}://{host[:200]} not followed"


def decoded(body: bytes) -> dict[str, object] | None:
    """Return the JSON object that *body* holds, or `None` if it holds none; numbers keep their text (`Number`)."""
    try:
        found: object = json.loads(body, parse_float=Number, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class Number(float):
    """A JSON number that remembers how it was written."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> Number:
        """Read *text* as `float` does."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def _is_sealed(body: bytes) -> bool:
    """Whether a 503 says, in Vault's own JSON, that the server is sealed."""
    errors = (decoded(body) or {}).get("errors")
    return isinstance(errors, list) and any(isinstance(text, str) and "sealed" in text for text in errors)


def is_missing(body: bytes) -> bool:
    """Whether a 404 is Vault's own "nothing there": no error in it. A wrong namespace or route says an error."""
    return (decoded(body) or {}).get("errors") == []


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
