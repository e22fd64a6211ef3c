"""Access tokens: read out of the answer to a login."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from secretsource._reference import shown
from secretsource._secret import MaskedBytes, MaskedStr
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._reply import Reply
from secretsource.resolvers._tokens import RENEW_AT
from secretsource.resolvers.conjur._answers import failure_of
from secretsource.resolvers.conjur._login_request import LoginRequest

__all__ = ["DEFAULT_LIFE", "Token", "token_of"]

DEFAULT_LIFE = 480.0  # seconds; Conjur's default, for a token that does not tell
_ONE_ANSWER = (
    "unknown login or account, network restriction, an authenticator that is off and a wrong path in url "
    "are one answer"
)
_CODE = re.compile(rb"\bCONJ[0-9]{5}E\b")
_PARTS = ("protected", "payload", "signature")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Token:
    """An access token. Its repr shows whose it is and how long it lasts.

    Attributes:
        login: Who logged in.
        header: The ``Authorization`` header.
        renew_at: When to get a new one, on `secretsource._clock`.
        ends_at: When it is over, likewise.
    """

    login: str
    header: MaskedStr = field(repr=False)
    renew_at: float
    ends_at: float

    def is_like(self, other: object) -> bool:
        """Whether *other* is the same: no, Conjur makes a new token at each login."""
        return self is other


def token_of(reply: Reply, request: LoginRequest, *, asked_at: float) -> Token | ResolverError:
    """Return the token in the answer to a login, or why there is none.

    Args:
        reply: The answer: the token's JSON, or its base64.
        request: What was asked.
        asked_at: When the login began. The token's own ``exp`` and ``iat`` tell its life, which is counted from here
            on our clock: the wall clocks of both sides may differ, and may be changed.
    """
    if reply.status != 200:
        return failure_of(reply, _denial(reply, request))
    text = _base64_of(reply.body)
    claims = _claims_of(text)
    if claims is None:
        return resolver_error(
            Reason.BROKEN, f"{reply.said}; the answer to the login holds no token: is url right?"
        )
    life = _life_of(claims)
    whose = claims.get("sub")
    return Token(
        login=request.login or (whose if isinstance(whose, str) else ""),
        header=MaskedStr(f'Token token="{text.decode("ascii")}"'),
        renew_at=asked_at + life * RENEW_AT,
        ends_at=asked_at + life,
    )


def _denial(reply: Reply, request: LoginRequest) -> str:
    whose = shown(request.login) if request.login else f"this login to {shown(_service_of(request))}"
    if reply.status == 401:
        code = _CODE.search(reply.body)  # of Conjur's own list; the words behind it may hold anything
        told = f"{code[0].decode('ascii')}; " if code else ""
        return f"{told}{request.refused}, {_ONE_ANSWER} to {whose}"
    return f"no login for {whose}: may it authenticate at {shown(_service_of(request))}?"


def _service_of(request: LoginRequest) -> str:
    """Return which authenticator was asked, such as ``authn-jwt/ci``."""
    first, second, *_ = request.path.removeprefix("/").split("/")
    return first if first in {"authn", "authn-gcp"} else f"{first}/{unquote(second)}"


def _base64_of(body: bytes) -> bytes:
    """Return the token as the header wants it; a server that ignores ``Accept-Encoding: base64`` sends JSON."""
    body = MaskedBytes(body.strip())
    return MaskedBytes(base64.b64encode(body)) if body.startswith(b"{") else body


def _claims_of(text: bytes) -> dict[str, object] | None:
    """Return what a token claims, nothing if that cannot be read, or `None` if it is no token."""
    try:
        token = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, RecursionError):
        return None
    if not isinstance(token, dict) or not all(isinstance(token.get(part), str) for part in _PARTS):
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(token["payload"]))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _life_of(claims: dict[str, object]) -> float:
    """Return the seconds that a token lives."""
    try:
        life = float(claims["exp"]) - float(claims["iat"])  # type: ignore[arg-type]  # what is no number is refused
    except (ValueError, TypeError, KeyError, OverflowError):
        return DEFAULT_LIFE
    return life if life > 0 else DEFAULT_LIFE
