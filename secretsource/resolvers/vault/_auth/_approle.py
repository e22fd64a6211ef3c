"""A login with a role id and a secret id, which may come wrapped."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import ResolverError
from secretsource.resolvers._credential import Credential
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.vault._auth._method import auth_mount, log_in, revealed
from secretsource.resolvers.vault._auth._token import Token
from secretsource.resolvers.vault._auth._unwrap import unwrapped

if TYPE_CHECKING:
    from secretsource.resolvers.vault._adapter import CallAdapter
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["AppRoleMethod"]


class AppRoleMethod:
    """Logs in with a role id and a secret id.

    Args:
        role_id: The role id.
        secret_id: The secret id.
        mount: Where the auth method is mounted, without ``auth/``.
        secret_id_wrapped: Not empty if *secret_id* is a wrapping token that holds the secret id.
    """

    def __init__(
        self,
        role_id: Credential,
        secret_id: Credential,
        mount: Credential = "approle",
        secret_id_wrapped: Credential = "",
    ) -> None:
        self._role_id = role_id
        self._secret_id = secret_id
        self._mount = auth_mount(mount)
        self._is_wrapped = bool(secret_id_wrapped)
        # A wrapping token can be used once, so what it held is kept, for later logins and for children.
        self._opened: tuple[MaskedStr, MaskedStr] | None = None

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:
        """Log in once."""
        role_id = revealed(self._role_id, "role_id")
        secret_id = (
            self._unwrapped(transport, deadline)
            if self._is_wrapped
            else revealed(self._secret_id, "secret_id")
        )
        return log_in(
            transport,
            f"{self._mount}/login",
            lambda adapter: self._ask(adapter, role_id, secret_id),
            deadline,
            clock,
            refused=f"auth/{self._mount} refused role_id or secret_id",
        )

    def _ask(self, adapter: CallAdapter, role_id: MaskedStr, secret_id: MaskedStr) -> Reply | ResolverError:
        from hvac.api.auth_methods import AppRole

        outcome: Reply | ResolverError = AppRole(adapter).login(
            role_id=role_id, secret_id=secret_id, use_token=False, mount_point=self._mount
        )
        return outcome

    def _unwrapped(self, transport: Transport, deadline: Deadline) -> MaskedStr:
        """Return the secret id; a wrapping token is opened when it is first seen."""
        opened = self._opened
        try:
            token = revealed(self._secret_id, "secret_id")
        except Exception:
            if opened is None:
                raise
            return opened[1]  # the file with the token that is used up may be gone
        if opened is not None and hmac.compare_digest(_bytes(token), _bytes(opened[0])):
            return opened[1]
        secret_id = unwrapped(token, self._mount, transport, deadline)
        self._opened = token, secret_id
        return secret_id


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
