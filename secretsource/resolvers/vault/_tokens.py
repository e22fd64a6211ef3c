"""The token of one process: one login at a time, renewed at two thirds of its life, replaced when it is refused."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource.errors import ResolverError
from secretsource.resolvers.vault._auth import Token
from secretsource.resolvers.vault._flight import SingleFlight

__all__ = ["Tokens"]

_RENEWAL_SECONDS = 3.0  # what a login may take while the old token is still good
_PUT_OFF_SECONDS = 30.0  # how long a failed renewal is not tried again, at most
_KEY = "login"


class Tokens:
    """Keeps the token.

    Args:
        login: Obtains a new one.
        clock: Measures lives of tokens.
    """

    def __init__(self, login: Callable[[Deadline], Token], clock: Clock) -> None:
        self._login = login
        self._clock = clock
        self._token: Token | None = None
        self._flight: SingleFlight[Token] = SingleFlight()

    def current(self, deadline: Deadline) -> Token:
        """Return the token to use; logs in if there is none, or none that is still good."""
        token = self._token
        now = self._clock()
        if token is None or now >= token.ends_at:
            return self._flight.run(_KEY, lambda: self._login_after(token, deadline), deadline)
        return token if now < token.renew_at else self._renewed(token, deadline)

    def replace(self, refused: Token, deadline: Deadline) -> Token | None:
        """Return another token than *refused*, or `None` if there is no other.

        All threads whose token was refused share one login.
        """
        token = self._flight.run(_KEY, lambda: self._login_after(refused, deadline), deadline)
        return None if token is refused else token

    def _login_after(self, seen: Token | None, deadline: Deadline) -> Token:
        """Log in, unless another thread has done so since *seen* was the token."""
        token = self._token
        if token is not None and token is not seen and self._clock() < token.ends_at:
            return token
        fresh = self._login(deadline)
        if seen is not None and hmac.compare_digest(fresh.value, seen.value):
            return seen
        self._token = fresh
        return fresh

    def _renewed(self, token: Token, deadline: Deadline) -> Token:
        """Try to log in anew; whatever comes of it, the old token is good until its end."""
        if self._flight.busy(_KEY):
            return token
        short = Deadline(min(deadline.remaining / 2, _RENEWAL_SECONDS))
        try:
            return self._flight.run(_KEY, lambda: self._login_after(token, short), short)
        except ResolverError:
            now = self._clock()
            token.renew_at = now + min(_PUT_OFF_SECONDS, (token.ends_at - now) / 3)
            return token
