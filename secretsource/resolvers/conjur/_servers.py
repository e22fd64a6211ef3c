"""The addresses of one Conjur: the next is asked while one cannot answer."""

from __future__ import annotations

from collections.abc import Sequence

from secretsource._deadline import Deadline
from secretsource.errors import BackendUnavailable, Reason, ResolverError, resolver_error
from secretsource.resolvers._address import Address
from secretsource.resolvers._authority import Authority
from secretsource.resolvers._http import Connections, Request
from secretsource.resolvers._reply import Reply

__all__ = ["Servers"]


class Servers:
    """The connections of one process to all addresses."""

    def __init__(self, addresses: Sequence[Address], authority: Authority) -> None:
        """Prepare them; nothing is connected yet.

        Raises:
            ConfigError: See `Connections`.
        """
        self._all = [Connections(address, authority) for address in addresses]

    def close(self) -> None:
        """Close the connections that are not in use."""
        for server in self._all:
            server.close()

    def exchange(self, request: Request, deadline: Deadline) -> Reply | ResolverError:
        """Send a request once to the first address that can answer, and return the answer, or why there is none.

        With several addresses each gets its part of the time that is left, and the one that answered is tried first
        from then on.
        """
        servers = list(self._all)
        outcome: Reply | ResolverError = resolver_error(Reason.SERVER)
        for left, server in zip(range(len(servers), 0, -1), servers, strict=True):
            part = deadline if left == 1 else Deadline(deadline.remaining / left)
            outcome = server.exchange(request, part)
            if not _is_down(outcome):
                self._prefer(server)
                break
        return outcome

    def _prefer(self, server: Connections) -> None:
        if self._all[0] is not server:
            self._all = sorted(self._all, key=lambda known: known is not server)


def _is_down(outcome: Reply | ResolverError) -> bool:
    if isinstance(outcome, Reply):
        return outcome.status >= 500
    return isinstance(outcome, BackendUnavailable) and outcome.reason is not Reason.TLS
