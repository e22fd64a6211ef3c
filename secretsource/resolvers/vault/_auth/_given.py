"""Tokens that are not obtained by a login: one that is given, and the one that a proxy adds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._credential import Credential, reveal
from secretsource.resolvers._file import read_file
from secretsource.resolvers.vault._auth._renewal import looked_up
from secretsource.resolvers.vault._auth._token import Token, is_sendable
from secretsource.resolvers.vault._settings import variable

if TYPE_CHECKING:
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["NoMethod", "TokenMethod"]

_TOKEN_FILE_BYTES = 64 * 1024


class TokenMethod:
    """Uses a token as it is given, and asks the server how long it lives.

    Args:
        token: The token; `None` for the one in ``BAO_TOKEN``, ``VAULT_TOKEN`` or ``~/.vault-token``.
    """

    def __init__(self, token: Credential | None = None) -> None:
        self._token = token

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:
        """Read the token from where it is given."""
        given = MaskedStr(_token_of_environment() if self._token is None else reveal(self._token))
        if not given:
            raise resolver_error(
                Reason.DENIED, "no token: set VAULT_TOKEN, or auth in the resolver's configuration"
            )
        return looked_up(Token(_checked(given)), transport, deadline, clock)


class NoMethod:
    """Sends no token: the address is that of a proxy or an agent, which adds its own."""

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:  # noqa: ARG002
        """Return an empty token."""
        return Token(MaskedStr())


def _checked(token: MaskedStr) -> MaskedStr:
    if not is_sendable(token):
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
