"""What a way to log in is, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError, InvalidReference, Reason, ResolverError, resolver_error
from secretsource.resolvers._credential import Credential, reveal
from secretsource.resolvers._reply import Reply, answered
from secretsource.resolvers.vault._auth._token import Token, token_of
from secretsource.resolvers.vault._paths import check_path

if TYPE_CHECKING:
    from secretsource.resolvers.vault._adapter import CallAdapter
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["Method", "auth_mount", "log_in", "revealed", "text_of"]


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


def log_in(
    transport: Transport,
    path: str,
    call: Callable[[CallAdapter], Reply | ResolverError],
    deadline: Deadline,
    clock: Clock,
    *,
    refused: str,
) -> Token:
    """Log in once.

    Args:
        transport: The connections.
        path: What follows ``/v1/auth/``, decoded.
        call: Makes the one request.
        deadline: When the answer is wanted.
        clock: Measures the life of the token.
        refused: What the server refuses if it says no, for the message.

    Raises:
        ResolverError: See `Method.login`.
    """
    from secretsource.resolvers.vault._adapter import CallAdapter

    started = clock()
    outcome = call(CallAdapter(transport, f"/v1/auth/{path}", None, deadline))
    return token_of(answered(outcome), refused, started)


def auth_mount(mount: Credential) -> str:
    """Return the mount of an auth method as a path, without ``auth/``.

    Raises:
        ConfigError: It is none.
    """
    try:
        if isinstance(mount, str):
            return check_path(f"_/{mount.strip('/')}").removeprefix("_/")
    except InvalidReference:
        pass
    raise ConfigError("the mount of an auth method must be a path, such as 'approle', and no reference")


def revealed(credential: Credential, key: str) -> MaskedStr:
    """Return a credential as it is now.

    Raises:
        AccessDenied: It is empty.
    """
    text = MaskedStr(reveal(credential))
    if not text:
        raise resolver_error(Reason.DENIED, f"the {key} to log in with is empty")
    return text


def text_of(setting: Credential | None) -> MaskedStr:
    """Return a setting that may be left out, as it is now; empty if it is."""
    return MaskedStr() if setting is None else MaskedStr(reveal(setting))
