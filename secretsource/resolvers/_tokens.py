"""The token of one process: one login at a time, renewed at two thirds of its life, replaced when it is refused.

Vault and Conjur share this rule; what a token is, and how one logs in, is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource.errors import Reason, ResolverError
from secretsource.resolvers._single_flight import SingleFlight

__all__ = ["RENEW_AT", "Lives", "Tokens"]

RENEW_AT = 2 / 3  # of its life
_RENEWAL_SECONDS = 3.0  # what a login may take while the old token is still good
_PUT_OFF_SECONDS = 10.0  # how long a failed renewal is not tried again, at most
_KEY = "login"


class Lives(Protocol):
    """What is asked of a token."""

    @property
    def renew_at(self) -> float:
        """When to renew it, on the clock of the tokens."""
        ...

    @property
    def ends_at(self) -> float:
        """When the server stops to accept it, likewise."""
        ...

    def is_like(self, other: object) -> bool:
        """Whether *other* would be refused where this one was."""
        ...


T = TypeVar("T", bound=Lives)


class Tokens(Generic[T]):
    """Keeps the token.

    Args:
        log_in: Obtains a new one, or raises one of `secretsource.errors`.
        clock: Measures lives of tokens.
        renew: Has the life of a token go on, and returns whether that is long enough. Without it, and where it is not,
            a token is renewed by a new login.
    """

    def __init__(
        self,
        log_in: Callable[[Deadline], T],
        clock: Clock,
        renew: Callable[[T, Deadline], bool] = lambda _token, _deadline: False,
    ) -> None:
        self._log_in = log_in
        self._clock = clock
        self._renew = renew
        self._token: T | None = None
        self._not_before = 0.0
        self._flight: SingleFlight[T] = SingleFlight()

    def current(self, deadline: Deadline) -> T:
        """Return the token to use; logs in if there is none, or none that is still good."""
        token = self._token
        now = self._clock()
        if token is None or now >= token.ends_at:
            return self._flight.run(_KEY, lambda: self._log_in_after(token, deadline), deadline)
        return self._renewed(token, deadline) if now >= max(token.renew_at, self._not_before) else token

    def replace(self, refused: T, deadline: Deadline) -> T | None:
        """Return another token than *refused*, or `None` if there is no other.

        All threads whose token was refused share one login.
        """
        token = self._flight.run(_KEY, lambda: self._log_in_after(refused, deadline, refused=True), deadline)
        return None if token is refused else token

    def _log_in_after(self, seen: T | None, deadline: Deadline, *, refused: bool = False) -> T:
        """Log in, unless another thread has done so since *seen* was the token.

        Where *seen* was *refused*, a login that brings the same again brings nothing. Where it has only grown old, what
        is given again may live longer by now.
        """
        token = self._token
        is_other = token is not seen and not (refused and token is not None and token.is_like(seen))
        if token is not None and is_other and self._clock() < token.ends_at:
            return token
        fresh = self._log_in(deadline)
        if seen is not None and refused and fresh.is_like(seen):
            return seen
        self._token = fresh
        return fresh

    def _renewed(self, token: T, deadline: Deadline) -> T:
        """Try to renew it; whatever comes of it, the old token is good until its end.

        So neither a login endpoint that is down nor a credential that is gone or being rotated stops readers. Only a
        TLS failure is raised: a man in the middle must be loud.
        """
        if self._flight.busy(_KEY):
            return token
        short = Deadline(min(deadline.remaining / 2, _RENEWAL_SECONDS))
        try:
            return self._flight.run(_KEY, lambda: self._prolonged(token, short), short)
        except Exception as error:  # noqa: BLE001 - a credential may be a callable of the application
            tls = isinstance(error, ResolverError) and error.reason is Reason.TLS
            failure = error.copy() if isinstance(error, ResolverError) and tls else None
        if failure is not None:
            raise failure
        now = self._clock()
        self._not_before = now + min(_PUT_OFF_SECONDS, max(0.0, token.ends_at - now) / 3)
        return token

    def _prolonged(self, token: T, deadline: Deadline) -> T:
        """Return *token* with a longer life, or another one."""
        if self._token is token and self._renew(token, deadline):
            return token
        return self._log_in_after(token, deadline)
