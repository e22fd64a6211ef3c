"""The addresses of one Conjur: the next is asked while one cannot answer, the first is tried again after a while."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from secretsource import _clock
from secretsource._deadline import Deadline
from secretsource.errors import BackendUnavailable, Reason, ResolverError, resolver_error
from secretsource.resolvers._address import Address
from secretsource.resolvers._authority import Authority
from secretsource.resolvers._http import Connections, Request
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.conjur._answers import decide

__all__ = ["Servers"]

_AGAIN = 60.0  # seconds for which the first address is left alone after it could not answer
_PROBE = 1.0  # seconds that one request gives it then
_UNAVAILABLE = frozenset({Reason.SERVER, Reason.THROTTLED, Reason.TIMEOUT})


class Servers:
    """The connections of one process to all addresses."""

    def __init__(self, addresses: Sequence[Address], authority: Authority) -> None:
        """Prepare them; nothing is connected yet.

        Raises:
            ConfigError: See `Connections`.
        """
        self._all = [Connections(address, authority) for address in addresses]
        self._chosen = self._all[0]
        self._first_again_at = 0.0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections that are not in use."""
        for server in self._all:
            server.close()

    def exchange(
        self, request: Request, deadline: Deadline, *, only: str = "", choose: bool = True
    ) -> Reply | ResolverError:
        """Send a request to the first address that can answer, once each, and return the answer, or why there is none.

        With several addresses each gets its part of the time that is left. The one that answered is tried first from
        then on; after a minute one request tries the first of the configuration again, for a second at most.

        Args:
            request: What to send.
            deadline: When the answer must be complete.
            only: Host and port to send it to, and to no other.
            choose: Whether who answers is the one to try first from then on.
        """
        first = self._all[0]
        choose = choose and not only
        probing = choose and self._is_time_for_first()
        order = self._order(probing, only)
        outcome: Reply | ResolverError = resolver_error(Reason.SERVER)
        for left, server in zip(range(len(order), 0, -1), order, strict=True):
            part = deadline if left == 1 else Deadline(deadline.remaining / left)
            if probing and server is first and left > 1:
                part = Deadline(min(part.remaining, _PROBE))
            outcome = server.exchange(request, part)
            if not _is_down(outcome):
                # An answer from where it was expected changes nothing: others may have moved on meanwhile.
                if choose and (probing or server is not order[0]):
                    self._choose(server)
                break
        return outcome

    def _is_time_for_first(self) -> bool:
        if self._chosen is self._all[0]:
            return False
        with self._lock:
            now = _clock.now()
            if now < self._first_again_at:
                return False
            self._first_again_at = now + _AGAIN  # for this request; the others do not wait for it
            return True

    def _order(self, probing: bool, only: str) -> list[Connections]:
        if only:
            return [server for server in self._all if server.address.where == only][:1]
        chosen = self._chosen
        order = [chosen, *(server for server in self._all if server is not chosen)]
        return sorted(order, key=lambda server: server is not self._all[0]) if probing else order

    def _choose(self, server: Connections) -> None:
        if self._chosen is not server:
            self._chosen = server
            self._first_again_at = _clock.now() + _AGAIN


def _is_down(outcome: Reply | ResolverError) -> bool:
    if isinstance(outcome, Reply):
        return decide(outcome.status)[0] in _UNAVAILABLE
    return isinstance(outcome, BackendUnavailable) and outcome.reason is not Reason.TLS
