"""Access tokens: read out of the answer to a login."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

from secretsource._reference import shown
from secretsource._secret import MaskedBytes, MaskedStr
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._reply import Reply
from secretsource.resolvers._tokens import RENEW_AT
from secretsource.resolvers.conjur._answers import failure_of

__all__ = ["DEFAULT_LIFE", "Token", "token_of"]

DEFAULT_LIFE = 480.0  # seconds; Conjur's default, for a token that does not tell
_ONE_ANSWER = (
    "wrong key, unknown login or account, network restriction, an authenticator that is off and a wrong path in url "
    "are one answer"
)
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


def token_of(reply: Reply, *, login: str, asked_at: float) -> Token | ResolverError:
    """Return the token in the answer to a login, or why there is none.

    Args:
        reply: The answer: the token's JSON, or its base64.
        login: Who logged in, for messages.
        asked_at: When the login was sent. The token's own ``exp`` and ``iat`` tell its life, which is counted from here
            on our clock: the wall clocks of both sides may differ, and may be changed.
    """
    if reply.status != 200:
        hint = f"{_ONE_ANSWER} to {shown(login)}" if reply.status == 401 else f"no login for {shown(login)}"
        return failure_of(reply, hint)
    text = _base64_of(reply.body)
    life = _life_of(text)
    if life is None:
        return resolver_error(
            Reason.BROKEN, f"{reply.said}; the answer to the login holds no token: is url right?"
        )
    return Token(
        login=login,
        header=MaskedStr(f'Token token="{text.decode("ascii")}"'),
        renew_at=asked_at + life * RENEW_AT,
        ends_at=asked_at + life,
    )


def _base64_of(body: bytes) -> bytes:
    """Return the token as the header wants it; a server that ignores ``Accept-Encoding: base64`` sends JSON."""
    body = MaskedBytes(body.strip())
    return MaskedBytes(base64.b64encode(body)) if body.startswith(b"{") else body


def _life_of(text: bytes) -> float | None:
    """Return the seconds that a token lives, or `None` if it is no token."""
    try:
        token = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, RecursionError):
        return None
    if not isinstance(token, dict) or not all(isinstance(token.get(part), str) for part in _PARTS):
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(token["payload"]))
        life = float(claims["exp"]) - float(claims["iat"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return DEFAULT_LIFE
    return life if life > 0 else DEFAULT_LIFE
