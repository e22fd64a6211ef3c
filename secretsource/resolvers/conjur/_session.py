"""One process's conversation with Conjur: requests that carry the shared token, and a new login where it is refused."""

from __future__ import annotations

from secretsource import _clock
from secretsource._deadline import Deadline
from secretsource._secret import MaskedBytes
from secretsource.errors import ResolverError, SecretSourceError
from secretsource.resolvers._address import Address
from secretsource.resolvers._authority import Authority
from secretsource.resolvers._http import Request
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD, Reply, answered
from secretsource.resolvers._tokens import Tokens
from secretsource.resolvers.conjur._login_request import Auth, LoginRequest
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
        self, path: str, deadline: Deadline, *, limit: int, encoding: str = "identity", only: str = ""
    ) -> tuple[Reply, Token]:
        """Send a ``GET`` with the token, once more with a new one if it is refused.

        Args:
            path: The path below the address, percent-encoded.
            deadline: When the answer is wanted.
            limit: The most bytes that a 200 may have.
            encoding: The ``Accept-Encoding`` that is sent.
            only: Host and port to ask, and no other.

        Returns:
            The answer, whatever its status, and the token that it was asked with.

        Raises:
            ResolverError: There is no answer, or no token.
        """
        return self._sent(
            Request(method="GET", path=path, headers={"Accept-Encoding": encoding}, limit=limit),
            deadline,
            only=only,
        )

    def write(self, path: str, body: MaskedBytes, deadline: Deadline) -> tuple[Reply, Token]:
        """Send a ``POST`` like `ask` does. Who takes it may be another address than the one that is read from.

        Raises:
            ResolverError: There is no answer, or no token.
        """
        return self._sent(
            Request(method="POST", path=path, headers={}, body=body, limit=MAX_BODY_OVERHEAD),
            deadline,
            choose=False,
        )

    def _sent(
        self, request: Request, deadline: Deadline, *, only: str = "", choose: bool = True
    ) -> tuple[Reply, Token]:
        token = self._tokens.current(deadline)
        reply = answered(self._servers.exchange(_with(token, request), deadline, only=only, choose=choose))
        if reply.status == 401 and (other := self._tokens.replace(token, deadline)) is not None:
            token = other
            reply = answered(
                self._servers.exchange(_with(token, request), deadline, only=only, choose=choose)
            )
        return reply, token

    def _logged_in(self, deadline: Deadline) -> Token:
        outcome = self._log_in(deadline)
        if isinstance(outcome, Token):
            return outcome
        raise outcome.copy() if isinstance(outcome, ResolverError) else type(outcome)(*outcome.args)

    def _log_in(self, deadline: Deadline) -> Token | SecretSourceError:
        """Make one login. It is sent to Conjur itself only: the transport follows no redirect."""
        asked_at = _clock.now()
        try:
            login = self._auth(self._account, deadline)
        except SecretSourceError as error:
            return error
        outcome = self._servers.exchange(_request_of(login), deadline)
        if isinstance(outcome, ResolverError):
            return outcome
        return token_of(outcome, login, asked_at=asked_at)


def _request_of(login: LoginRequest) -> Request:
    return Request(
        method="POST",
        path=login.path,
        headers={**_HEADERS, "Accept-Encoding": "base64", "Content-Type": login.content_type},
        body=login.body,
        limit=MAX_BODY_OVERHEAD,
    )


def _with(token: Token, request: Request) -> Request:
    return Request(
        method=request.method,
        path=request.path,
        headers={**_HEADERS, **request.headers, "Authorization": token.header},
        body=request.body,
        limit=request.limit,
    )
