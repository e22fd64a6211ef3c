"""What one process holds of a Vault server: its connections, token, mounts and leases; and how it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from secretsource import _clock
from secretsource._deadline import Deadline
from secretsource._secret import MaskedBytes
from secretsource.errors import AccessDenied, Reason, ResolverError, resolver_error
from secretsource.resolvers._reply import Reply, answered
from secretsource.resolvers._tokens import Tokens
from secretsource.resolvers.vault._auth import Method, Token, renew
from secretsource.resolvers.vault._errors import failure_of, is_missing
from secretsource.resolvers.vault._leases import Leases
from secretsource.resolvers.vault._mounts import Mount, Mounts, mount_of
from secretsource.resolvers.vault._paths import encoded
from secretsource.resolvers.vault._settings import Settings
from secretsource.resolvers.vault._transport import Transport

__all__ = ["Call", "Client", "refusal"]

T = TypeVar("T")

_LOOK_UP = "/v1/sys/internal/ui/mounts/"
_NONCE = "X-Secretsource-Nonce"


class Client:
    """Connections, token, mounts and leases.

    Args:
        settings: Where the server is.
        method: How to log in.
        mount: The mount of names; look-ups below it are shared.
        clock: Measures the lives of tokens and leases.
    """

    def __init__(
        self,
        settings: Settings,
        method: Method,
        mount: str,
        *,
        clock: _clock.Clock = _clock.now,
    ) -> None:
        self.transport = Transport(settings)
        self.tokens = Tokens(
            lambda deadline: method.login(self.transport, deadline, clock),
            clock,
            lambda token, deadline: renew(token, self.transport, deadline, clock),
        )
        self.mounts = Mounts()
        self.leases = Leases()
        self.nonces: dict[str, str] = {}  # by address, once somebody wanted to go past a cache
        self.writing = threading.Lock()  # held by who writes where the server compares no versions
        self.clock = clock
        self._usual = Mount(mount, 0)

    def mount_of(self, path: str, token: Token, deadline: Deadline) -> Mount:
        """Return the mount that holds *path*; the server is asked once for each."""
        key = (self._usual.path if self._usual.holds(path) else path, id(token))
        return self.mounts.find(path, key, lambda: self._look_up(path, token, deadline), deadline)

    def _look_up(self, path: str, token: Token, deadline: Deadline) -> Mount:
        reply = answered(self.send("GET", _LOOK_UP + path, token, deadline))
        usual = self._usual.path if self._usual.holds(path) else path.partition("/")[0]
        # Until the mount is known, version 2 is the better guess for what the hint says.
        failure = refusal(reply, Mount(usual, 2).url_path(path), f"/v1/{path}")
        # OpenBao answers so to whatever is not below /v1, and a wrong path must not be taken for "not there".
        is_old = reply.status == 404 and is_missing(reply.body) and not self.transport.settings.address.path
        if failure is not None and not is_old:
            raise failure
        found = mount_of(reply, path)
        if isinstance(found, Mount):
            return found
        raise resolver_error(Reason.BROKEN, found)

    def send(
        self,
        method: str,
        path: str,
        token: Token,
        deadline: Deadline,
        body: MaskedBytes | Mapping[str, object] | None = None,
        *,
        nonce: str = "",
    ) -> Reply | ResolverError:
        """Send one request and return what came of it.

        Args:
            method: An HTTP method.
            path: The decoded path, starting with ``/v1/``.
            token: The login.
            deadline: When the answer is wanted.
            body: JSON as it stands, or what to make it of.
            nonce: What makes it another request than those that a proxy or an agent has kept the answers of.
        """
        from secretsource.resolvers.vault._adapter import CallAdapter

        adapter = CallAdapter(self.transport, path, token.value, deadline)
        return adapter.request(method, encoded(path), {_NONCE: nonce} if nonce else None, json=body)

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()


class Call(Generic[T]):
    """One thing asked of the server: the token is replaced once at most, however often it is asked again.

    Args:
        client: The server.
        ask: Asks with one token.
        deadline: When the answer is wanted.
    """

    def __init__(self, client: Client, ask: Callable[[Token], T], deadline: Deadline) -> None:
        self._client = client
        self._ask = ask
        self._deadline = deadline
        self._may_replace = True

    def attempt(self) -> T:
        """Ask once, and once more with another token if this one is refused."""
        tokens = self._client.tokens
        token = tokens.current(self._deadline)
        try:
            return self._ask(token)
        except AccessDenied as error:
            if not self._may_replace:
                raise
            denied = error.copy()
        self._may_replace = False
        other = tokens.replace(token, self._deadline)
        if other is None:
            raise denied
        return self._ask(other)


def refusal(reply: Reply, *url_paths: str, rights: Sequence[str] = ("read",)) -> ResolverError | None:
    """Return the error that a reply means, or `None` if it is an answer; a denial says what the policy lacks.

    Args:
        reply: The reply.
        *url_paths: The decoded path of the URL; several where it is not known which of them is right.
        rights: The capabilities that are needed there.
    """
    capabilities = json.dumps(list(rights))
    rules = [
        f"path {json.dumps(path.removeprefix('/v1/'))} {{ capabilities = {capabilities} }}"
        for path in dict.fromkeys(url_paths)
    ]
    policy = rules[0] + "".join(f" (or, if it is not KV version 2, {rule})" for rule in rules[1:])
    return failure_of(reply, hint=f"check the token, the mount, and the policy: {policy}")
