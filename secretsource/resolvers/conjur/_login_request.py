"""The one request of a login: what a way to log in makes of its credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from secretsource._deadline import Deadline
from secretsource._secret import MaskedBytes
from secretsource.errors import ConfigError
from secretsource.resolvers._credential import Credential, reveal

__all__ = ["FORM", "Auth", "LoginRequest", "authenticate_path", "optional"]

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """A request that asks for a token.

    Attributes:
        login: Who logs in, for messages; empty where what proves it tells.
        path: The path below the address.
        body: What proves it.
        content_type: What *body* is.
        refused: What a 401 may mean beside an unknown login, for messages.
    """

    login: str
    path: str
    body: MaskedBytes = field(repr=False)
    content_type: str = "text/plain"
    refused: str = "wrong key"


Auth = Callable[[str, Deadline], LoginRequest]
"""Takes the account, asks for the credentials anew, and returns the request of one login."""


def authenticate_path(*pieces: str | None) -> str:
    """Return the path of a login; each piece is sent whole, so a host's login is ``host%2Fapp%2Fweb``.

    Args:
        pieces: Authenticator, service, account and login; `None` for one that there is not.

    Raises:
        ConfigError: One of them would make it the path of another login, or of something else.
    """
    if any(piece in {"", ".", ".."} for piece in pieces):
        raise ConfigError(
            "a login to Conjur needs an account, a service and a login that is not empty, '.' or '..'"
        )
    return "".join(f"/{quote(piece, safe='')}" for piece in pieces if piece) + "/authenticate"


def optional(settings: Mapping[str, Credential], key: str) -> str | None:
    """Return what is given for *key*, or `None` if that is nothing."""
    return reveal(settings[key]) or None if key in settings else None
