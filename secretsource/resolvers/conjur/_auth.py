"""Ways to log in to Conjur: a table of methods, each of which says what request asks for a token.

A method does no I/O: it turns credentials into the one request that the session sends over its own connections, so
that every method gets the same limits, deadlines and refusal of redirects.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from secretsource._secret import MaskedBytes
from secretsource.errors import ConfigError
from secretsource.resolvers._auth_table import AuthMethod, build_method
from secretsource.resolvers._credential import Credential, reveal

__all__ = ["Auth", "LoginRequest", "auth_of"]

_VARIABLES = ("CONJUR_AUTHN_LOGIN", "CONJUR_AUTHN_API_KEY")
_EXAMPLE = 'auth = { method = "api_key", login = …, api_key = … }'


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """A request that asks for a token.

    Attributes:
        login: Who logs in, for messages.
        path: The path below the address.
        body: What proves it.
    """

    login: str
    path: str
    body: MaskedBytes = field(repr=False)


Auth = Callable[[str], LoginRequest]
"""Takes the account, asks for the credentials anew, and returns the request of one login."""


def auth_of(auth: Mapping[str, Credential] | None) -> Auth:
    """Return the method that *auth* describes; `None` reads Conjur's own variables at each login.

    Raises:
        ConfigError: A variable is missing; see `build_method` for a table.
    """
    return _from_environment() if auth is None else build_method(auth, _METHODS)


def _api_key(settings: Mapping[str, Credential]) -> Auth:
    return lambda account: _api_key_request(account, reveal(settings["login"]), settings["api_key"])


def _from_environment() -> Auth:
    def request(account: str) -> LoginRequest:
        return _api_key_request(
            account, _variable("CONJUR_AUTHN_LOGIN"), lambda: _variable("CONJUR_AUTHN_API_KEY")
        )

    for name in _VARIABLES:
        _variable(name)
    return request


def _api_key_request(account: str, login: str, api_key: Credential) -> LoginRequest:
    """Return the request of Conjur's default authenticator; the login is one piece, whole: ``host%2Fapp%2Fweb``."""
    path = f"/authn/{quote(account, safe='')}/{quote(login, safe='')}/authenticate"
    return LoginRequest(login=login, path=path, body=MaskedBytes(reveal(api_key), "utf-8"))


_METHODS: dict[str, AuthMethod[Auth]] = {
    "api_key": AuthMethod(_api_key, ("login", "api_key")),
}


def _variable(name: str) -> str:
    if value := os.environ.get(name, "").strip():
        return value
    raise ConfigError(f"a login to Conjur needs the variable {name}, or {_EXAMPLE}")
