"""A login to Vault, and how it is read out of the answer to one."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from secretsource._secret import MaskedStr
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._reply import Reply
from secretsource.resolvers._tokens import RENEW_AT
from secretsource.resolvers.vault._errors import decoded, failure_of

__all__ = ["LONGEST_LIFE", "Token", "is_sendable", "token_of"]

_FOREVER = float("inf")
LONGEST_LIFE = 10**9  # seconds


@dataclass(slots=True, eq=False)
class Token:
    """A login. Its repr does not show it. When it is renewed, it stays the same object with a later end.

    Attributes:
        value: What is sent; empty for a token that a proxy adds.
        renew_at: When to renew it, on the clock of the resolver.
        ends_at: When the server stops to accept it, and revokes the leases that were made with it.
        life: The seconds to ask for where it is renewed.
        renewable: Whether the server may have its life go on.
    """

    value: MaskedStr = field(repr=False)
    renew_at: float = _FOREVER
    ends_at: float = _FOREVER
    life: float = _FOREVER
    renewable: bool = False

    def lives_for(self, seconds: int, since: float) -> None:
        """Take over what the server said of its life.

        Args:
            seconds: How long it lives; 0 is without end.
            since: When the server was asked, so that ours ends before the server's.
        """
        seconds = min(seconds, LONGEST_LIFE)
        # The end first: another thread may look at any moment.
        self.ends_at = since + seconds if seconds > 0 else _FOREVER
        self.renew_at = since + seconds * RENEW_AT if seconds > 0 else _FOREVER

    def is_like(self, other: object) -> bool:
        """Whether *other* is the same login: a token that is given may be given again."""
        return isinstance(other, Token) and hmac.compare_digest(self.value, other.value)


def token_of(reply: Reply, hint: str, started: float) -> Token:
    """Return the token in the answer to a login.

    Args:
        reply: The answer.
        hint: Said after a denial.
        started: When the login began.

    Raises:
        AccessDenied: The login is refused.
        InvalidResponse: There is no token in it.
        BackendUnavailable: The server cannot answer now.
    """
    failure = failure_of(reply, login=True, hint=hint)
    if failure is not None:
        raise failure
    token = _parsed(reply, started)
    if isinstance(token, ResolverError):
        raise token
    return token


def _parsed(reply: Reply, started: float) -> Token | ResolverError:
    """Read the token; nothing is raised from here, as the local variables show it."""
    auth = (decoded(reply.body) or {}).get("auth")
    value = auth.get("client_token") if isinstance(auth, dict) else None
    if not isinstance(auth, dict) or not isinstance(value, str) or not is_sendable(value):
        if isinstance(auth, dict) and auth.get("mfa_requirement"):
            return resolver_error(
                Reason.DENIED, f"{reply.said} on login; it asks for a second factor, which a program has not"
            )
        return resolver_error(Reason.BROKEN, f"the answer of {reply.where} to a login holds no token")
    token = Token(MaskedStr(value))
    lease, uses = auth.get("lease_duration"), auth.get("num_uses")
    if isinstance(lease, int) and lease > 0:
        token.lives_for(lease, started)
        token.life = min(lease, LONGEST_LIFE)
        # To renew a token costs one of its uses.
        token.renewable = auth.get("renewable") is True and not uses
    return token


def is_sendable(token: str) -> bool:
    """Whether *token* can stand in a header as it is."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token
