"""One process's conversation with Conjur: requests that carry the shared token, and a new login where it is refused."""

from __future__ import annotations

from secretsource import _clock
from secretsource._deadline import Deadline
from secretsource.errors import ResolverError, SecretSourceError
from secretsource.resolvers._address import Address
from secretsource.resolvers._authority import Authority
from secretsource.resolvers._http import Request
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD, Reply, answered
from secretsource.resolvers._tokens import Tokens
from secretsource.resolvers.conjur._auth import Auth
from secretsource.resolvers.conjur._servers import Servers
from secretsource.resolvers.conjur._token import Token, token_of

__all__ = ["Session"]

_HEADERS = {"User-Agent": "secretsource"}


class Session:
    """Connections and token of one process."""

    def __init__(
        self, addresses: tuple[Address, ...], authority: Authority, account: str, auth: Auth
    ) -> None:
        self._servers = Servers(addresses, authority)
        self._account = account
        self._auth = auth
        self._tokens: Tokens[Token] = Tokens(self._logged_in, _clock.now)

    def close(self) -> None:
        """Close the connections."""
        self._servers.close()

    def ask(
        self, path: str, deadline: Deadline, *, limit: int, encoding: str = "identity"
    ) -> tuple[Reply, str]:
        """Send a ``GET`` with the token, once more with a new one if it is refused.

        Args:
            path: The path below the address, percent-encoded.
            deadline: When the answer is wanted.
            limit: The most bytes that a 200 may have.
            encoding: The ``Accept-Encoding`` that is sent.

        Returns:
            The answer, whatever its status, and who is logged in.

        Raises:
            ResolverError: There is no answer, or no token.
        """
        token = self._tokens.current(deadline)
        reply = self._send(token, path, deadline, limit, encoding)
        if reply.status == 401 and (other := self._tokens.replace(token, deadline)) is not None:
            token = other
            reply = self._send(token, path, deadline, limit, encoding)
        return reply, token.login

    def _send(self, token: Token, path: str, deadline: Deadline, limit: int, encoding: str) -> Reply:
        request = Request(
            method="GET",
            path=path,
            headers={**_HEADERS, "Authorization": token.header, "Accept-Encoding": encoding},
            limit=limit,
        )
        return answered(self._servers.exchange(request, deadline))

    def _logged_in(self, deadline: Deadline) -> Token:
        outcome = self._log_in(deadline)
        if isinstance(outcome, Token):
            return outcome
        raise outcome.copy() if isinstance(outcome, ResolverError) else type(outcome)(*outcome.args)

    def _log_in(self, deadline: Deadline) -> Token | SecretSourceError:
        """Make one login. It is sent to Conjur itself only: the transport follows no redirect."""
        try:
            login = self._auth(self._account)
        except SecretSourceError as error:
            return error
        asked_at = _clock.now()
        request = Request(
            method="POST",
            path=login.path,
            headers={**_HEADERS, "Accept-Encoding": "base64", "Content-Type": "text/plain"},
            body=login.body,
            limit=MAX_BODY_OVERHEAD,
        )
        outcome = self._servers.exchange(request, deadline)
        if isinstance(outcome, ResolverError):
            return outcome
        return token_of(outcome, login=login.login, asked_at=asked_at)
