"""How to log in to Vault: a small table of methods, chosen by ``auth = { method = … }``."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource._reference import shown
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError, InvalidReference, Reason, ResolverError, resolver_error
from secretsource.resolvers._auth_table import AuthMethod, build_method
from secretsource.resolvers._credential import Credential, reveal
from secretsource.resolvers._file import read_file
from secretsource.resolvers._reply import Reply, answered
from secretsource.resolvers._tokens import RENEW_AT
from secretsource.resolvers.vault._errors import decoded, failure_of
from secretsource.resolvers.vault._paths import check_path
from secretsource.resolvers.vault._settings import variable

if TYPE_CHECKING:
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["METHODS", "Method", "Token", "choose_method"]

FOREVER = float("inf")
_LONGEST_LEASE = 10**9  # seconds
_TOKEN_FILE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A login. Its repr does not show it.

    Attributes:
        value: What is sent.
        renew_at: When to log in anew, on the clock of the resolver.
        ends_at: When the server stops to accept it.
    """

    value: MaskedStr = field(repr=False)
    renew_at: float = FOREVER
    ends_at: float = FOREVER

    def is_like(self, other: object) -> bool:
        """Whether *other* is the same login: a token that is given may be given again."""
        return isinstance(other, Token) and hmac.compare_digest(self.value, other.value)


class Method(Protocol):
    """One way to log in."""

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:
        """Return a token, newly obtained.

        Raises:
            AccessDenied: The server refuses these credentials, or there are none.
            InvalidResponse: Its answer holds no token.
            BackendUnavailable: It cannot answer.
        """
        ...


class TokenMethod:
    """Uses a token as it is given, without looking it up.

    Args:
        token: The token; `None` for the one in ``BAO_TOKEN``, ``VAULT_TOKEN`` or ``~/.vault-token``.
    """

    def __init__(self, token: Credential | None = None) -> None:
        self._token = token

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:  # noqa: ARG002
        """Read the token from where it is given."""
        given = MaskedStr(_token_of_environment() if self._token is None else reveal(self._token))
        if not given:
            raise resolver_error(
                Reason.DENIED, "no token: set VAULT_TOKEN, or auth in the resolver's configuration"
            )
        return Token(_checked(given))


class AppRoleMethod:
    """Logs in with a role id and a secret id.

    Args:
        role_id: The role id.
        secret_id: The secret id.
        mount: Where the auth method is mounted, without ``auth/``.
    """

    def __init__(self, role_id: Credential, secret_id: Credential, mount: Credential = "approle") -> None:
        self._role_id = role_id
        self._secret_id = secret_id
        self._mount = _auth_mount(mount)

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:
        """Log in once."""
        from hvac.api.auth_methods import AppRole

        from secretsource.resolvers.vault._adapter import CallAdapter

        started = clock()
        adapter = CallAdapter(transport, f"/v1/auth/{self._mount}/login", None, deadline)
        outcome: Reply | ResolverError = AppRole(adapter).login(
            role_id=MaskedStr(reveal(self._role_id)),
            secret_id=MaskedStr(reveal(self._secret_id)),
            use_token=False,
            mount_point=self._mount,
        )
        return _token_of(answered(outcome), f"auth/{self._mount} refused role_id or secret_id", started)


def _auth_mount(mount: Credential) -> str:
    try:
        return check_path(f"_/{mount.strip('/')}").removeprefix("_/") if isinstance(mount, str) else ""
    except InvalidReference:
        pass
    raise ConfigError(f"the mount {shown(mount)} of an auth method is no path, such as 'approle'")


def _token_of(reply: Reply, hint: str, started: float) -> Token:
    failure = failure_of(reply, login=True, hint=hint)
    if failure is not None:
        raise failure
    token = _parse_login(reply, started)
    if token is None:
        raise resolver_error(Reason.BROKEN, f"the answer of {reply.where} to a login holds no token")
    return token


def _parse_login(reply: Reply, started: float) -> Token | None:
    """Read the token out of an answer; nothing is raised from here, as the local variables show it."""
    auth = (decoded(reply.body) or {}).get("auth")
    if not isinstance(auth, dict):
        return None
    value, lease = auth.get("client_token"), auth.get("lease_duration")
    if not isinstance(value, str) or not _is_sendable(value):
        return None
    # Counted from before the request, so that ours ends before the server's. 0 is a token without end.
    if not isinstance(lease, int) or lease <= 0:
        return Token(MaskedStr(value))
    lease = min(lease, _LONGEST_LEASE)
    return Token(MaskedStr(value), started + lease * RENEW_AT, started + lease)


def _is_sendable(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def _checked(token: MaskedStr) -> MaskedStr:
    if not _is_sendable(token):
        raise resolver_error(Reason.DENIED, "the token holds spaces or characters that no token has")
    return token


def _token_of_environment() -> str:
    return variable("TOKEN") or _token_of_file(Path("~/.vault-token"))


def _token_of_file(path: Path) -> str:
    try:
        found = read_file(str(path.expanduser()), limit=_TOKEN_FILE_BYTES)
        return "" if found is None else MaskedStr(reveal(found[0].decode()))
    except RuntimeError:
        return ""  # there is no home directory
    except (ResolverError, ValueError):
        pass
    raise resolver_error(Reason.DENIED, f"{path} cannot be read")


METHODS: dict[str, AuthMethod[Method]] = {
    "approle": AuthMethod(lambda given: AppRoleMethod(**given), ("role_id", "secret_id"), ("mount",)),
    "token": AuthMethod(lambda given: TokenMethod(**given), ("token",)),
}
"""The methods by the names that the configuration uses."""


def choose_method(auth: Mapping[str, Credential] | None) -> Method:
    """Return the method that the setting ``auth`` describes; `None` is a token from the environment.

    Raises:
        ConfigError: See `build_method`.
    """
    return TokenMethod() if auth is None else build_method(auth, METHODS)
