"""The access token that all threads of one process share: one login at a time, renewed before it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from secretsource import _clock
from secretsource._deadline import Deadline
from secretsource.errors import Reason, ResolverError, SecretSourceError, resolver_error
from secretsource.resolvers.conjur._token import Token

__all__ = ["Tokens"]

_RENEWAL_WAIT = 2.0  # seconds at most that a reader spends on renewing a token that is still good
_RENEWAL_PAUSE = 10.0  # seconds at most until a renewal that failed is tried again

_Outcome = Token | SecretSourceError | None
_Flight = Future[_Outcome]


class Tokens:
    """The token of one process. One login runs at a time, and its outcome serves all who wait for it."""

    def __init__(self, log_in: Callable[[Deadline], Token | SecretSourceError]) -> None:
        """Remember how to log in.

        Args:
            log_in: Makes one login and returns the token, or, not raised, why there is none.
        """
        self._log_in = log_in
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._flight: _Flight | None = None
        self._not_before = 0.0

    def get(self, deadline: Deadline, *, refused: Token | None = None) -> Token:
        """Return a token, after a login if need be.

        A token past 2/3 of its life is renewed by one reader; if that fails, it is used until its end, so that
        neither a login endpoint that is down nor a key that is being rotated stops readers. Only a TLS failure is
        raised at once.

        Args:
            deadline: When the token is wanted.
            refused: The token that the server refused: it is not returned again.

        Raises:
            AccessDenied: The login was refused.
            BackendUnavailable: It could not be made in time.
            InvalidResponse: Its answer holds no token.
        """
        with self._lock:
            token = self._usable(refused)
            if token is not None and not self._wants_renewal(token):
                return token
            flight, leads = self._joined()
        if not leads:
            return _taken(_awaited(flight, deadline))
        if token is None:
            return _taken(self._fly(flight, deadline))
        return self._renewed(token, flight, deadline)

    def _usable(self, refused: Token | None) -> Token | None:
        if self._token is not None and (self._token is refused or _clock.now() >= self._token.ends_at):
            self._token = None
        return self._token

    def _wants_renewal(self, token: Token) -> bool:
        return self._flight is None and _clock.now() >= max(token.renew_at, self._not_before)

    def _joined(self) -> tuple[_Flight, bool]:
        """Return the login that runs, and whether the caller is the one to make it."""
        if self._flight is not None:
            return self._flight, False
        self._flight = Future()
        return self._flight, True

    def _renewed(self, token: Token, flight: _Flight, deadline: Deadline) -> Token:
        outcome = self._fly(flight, Deadline(min(_RENEWAL_WAIT, deadline.remaining / 2)))
        if isinstance(outcome, Token) or (
            isinstance(outcome, ResolverError) and outcome.reason is Reason.TLS
        ):
            return _taken(outcome)
        now = _clock.now()
        self._not_before = now + min(_RENEWAL_PAUSE, (token.ends_at - now) / 3)
        return token

    def _fly(self, flight: _Flight, deadline: Deadline) -> _Outcome:
        outcome: _Outcome = None
        try:
            outcome = self._log_in(deadline)
        finally:
            with self._lock:
                self._flight = None
                if isinstance(outcome, Token):
                    self._token = outcome
            flight.set_result(outcome)
        return outcome


def _awaited(flight: _Flight, deadline: Deadline) -> _Outcome:
    try:
        return flight.result(min(deadline.remaining, threading.TIMEOUT_MAX))
    except TimeoutError:
        pass  # told below, outside the handler
    return resolver_error(Reason.TIMEOUT, "waiting for the login")


def _taken(outcome: _Outcome) -> Token:
    """Return the token, or raise a new error: one that several threads raise would collect the frames of all."""
    if isinstance(outcome, Token):
        return outcome
    if isinstance(outcome, ResolverError):
        raise outcome.copy()
    if outcome is None:
        raise resolver_error(Reason.SERVER, "the login was interrupted")
    raise type(outcome)(*outcome.args)
