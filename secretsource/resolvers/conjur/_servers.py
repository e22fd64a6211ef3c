"""The addresses of one Conjur: the next is asked while one cannot answer, the first is tried again after a while."""

from __future__ import annotations

from collections.abc import Sequence

from secretsource._deadline import Deadline
from secretsource.errors import BackendUnavailable, Reason, ResolverError, resolver_error
from secretsource.resolvers._address import Address
from secretsource.resolvers._authority import Authority
from secretsource.resolvers._http import Connections, Request
from secretsource.resolvers._preference import Preference, Turn
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
        self._all = Preference([Connections(address, authority) for address in addresses], again=_AGAIN)

    def close(self) -> None:
        """Close the connections that are not in use."""
        for server in self._all.members:
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
        turn = self._turn_to(only) if only else self._all.turn(may_look=choose)
        outcome: Reply | ResolverError = resolver_error(Reason.SERVER)
        for left, server in zip(range(len(turn.members), 0, -1), turn.members, strict=True):
            part = deadline if left == 1 else Deadline(deadline.remaining / left)
            if turn.looks and server is self._all.first and left > 1:
                part = Deadline(min(part.remaining, _PROBE))
            outcome = server.exchange(request, part)
            if not _is_down(outcome):
                if choose and not only:
                    self._all.note(server, turn)
                break
        return outcome

    def _turn_to(self, only: str) -> Turn[Connections]:
        return Turn([server for server in self._all.members if server.address.where == only][:1], looks=False)


def _is_down(outcome: Reply | ResolverError) -> bool:
    if isinstance(outcome, Reply):
        return decide(outcome.status)[0] in _UNAVAILABLE
    return isinstance(outcome, BackendUnavailable) and outcome.reason is not Reason.TLS
