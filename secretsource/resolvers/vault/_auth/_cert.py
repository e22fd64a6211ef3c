"""A login with the TLS certificate that is shown to the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource.errors import ResolverError
from secretsource.resolvers._credential import Credential
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.vault._auth._method import auth_mount, log_in, text_of
from secretsource.resolvers.vault._auth._token import Token

if TYPE_CHECKING:
    from secretsource.resolvers.vault._adapter import CallAdapter
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["CertMethod"]


class CertMethod:
    """Logs in with ``client_cert`` and ``client_key``.

    Args:
        name: The role; without it, the first one that the certificate fits.
        mount: Where the auth method is mounted, without ``auth/``.
    """

    def __init__(self, name: Credential | None = None, mount: Credential = "cert") -> None:
        self._name = name
        self._mount = auth_mount(mount)

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:
        """Log in once."""
        name = text_of(self._name)
        return log_in(
            transport,
            f"{self._mount}/login",
            lambda adapter: self._ask(adapter, name),
            deadline,
            clock,
            refused=f"auth/{self._mount} refused the client certificate or the role",
        )

    def _ask(self, adapter: CallAdapter, name: str) -> Reply | ResolverError:
        # hvac's own class wants to set certificates of requests.
        outcome: Reply | ResolverError = adapter.post(
            f"/v1/auth/{self._mount}/login", json={"name": name} if name else {}
        )
        return outcome
