"""Logins with a user's name and password: Vault's own users, and those of a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import ResolverError
from secretsource.resolvers._credential import Credential
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.vault._auth._method import auth_mount, log_in, revealed
from secretsource.resolvers.vault._auth._token import Token

if TYPE_CHECKING:
    from secretsource.resolvers.vault._adapter import CallAdapter
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["LdapMethod", "UserpassMethod"]


class _PasswordMethod:
    def __init__(self, username: Credential, password: Credential, mount: Credential) -> None:
        self._username = username
        self._password = password
        self._mount = auth_mount(mount)

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:
        """Log in once."""
        username = revealed(self._username, "username")
        password = revealed(self._password, "password")
        return log_in(
            transport,
            f"{self._mount}/login/{username}",
            lambda adapter: self._ask(adapter, username, password),
            deadline,
            clock,
            refused=f"auth/{self._mount} refused username or password",
        )

    def _ask(self, adapter: CallAdapter, username: str, password: MaskedStr) -> Reply | ResolverError:
        raise NotImplementedError


class UserpassMethod(_PasswordMethod):
    """Logs in as a user that Vault itself knows.

    Args:
        username: The user.
        password: The password.
        mount: Where the auth method is mounted, without ``auth/``.
    """

    def __init__(self, username: Credential, password: Credential, mount: Credential = "userpass") -> None:
        super().__init__(username, password, mount)

    def _ask(self, adapter: CallAdapter, username: str, password: MaskedStr) -> Reply | ResolverError:
        from hvac.api.auth_methods import Userpass

        # hvac puts it into the path as it stands.
        name = quote(username, safe="")
        outcome: Reply | ResolverError = Userpass(adapter).login(
            name, password, use_token=False, mount_point=self._mount
        )
        return outcome


class LdapMethod(_PasswordMethod):
    """Logs in as a user of a directory.

    Args:
        username: The user.
        password: The password.
        mount: Where the auth method is mounted, without ``auth/``.
    """

    def __init__(self, username: Credential, password: Credential, mount: Credential = "ldap") -> None:
        super().__init__(username, password, mount)

    def _ask(self, adapter: CallAdapter, username: str, password: MaskedStr) -> Reply | ResolverError:
        from hvac.api.auth_methods import Ldap

        outcome: Reply | ResolverError = Ldap(adapter).login(
            username, password, use_token=False, mount_point=self._mount
        )
        return outcome
