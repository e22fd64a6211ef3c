"""A login without ``auth``: from the variables of Conjur's own clients, else as Conjur's CLI has stored it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from secretsource._deadline import Deadline
from secretsource._reference import shown
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError, ResolverError
from secretsource.resolvers._address import Address
from secretsource.resolvers._credential import Credential
from secretsource.resolvers._file import read_file
from secretsource.resolvers.conjur._auth import api_key_request, ldap_request
from secretsource.resolvers.conjur._cli_settings import Conjurrc
from secretsource.resolvers.conjur._jwt import jwt_auth
from secretsource.resolvers.conjur._login_request import Auth, LoginRequest
from secretsource.resolvers.conjur._netrc import machines_of, stored_login

__all__ = ["auth_of_environment"]

_LOGIN, _KEY = "CONJUR_AUTHN_LOGIN", "CONJUR_AUTHN_API_KEY"
_EXAMPLE = 'auth = { method = "api_key", login = …, api_key = … }'
_POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - where it is


def auth_of_environment(addresses: Sequence[Address], conjurrc: Conjurrc) -> Auth:
    """Return the login that variables and files describe, which are read anew at each login.

    Args:
        addresses: Where Conjur is: a stored login belongs to an address.
        conjurrc: What the CLI was told.

    Raises:
        ConfigError: None is described, or one of a kind that needs ``auth``.
    """
    if service := _text("CONJUR_AUTHN_JWT_SERVICE_ID"):
        return _jwt(service)
    kind = _text("CONJUR_AUTHN_TYPE") or conjurrc.authn_type or "authn"
    service = _text("CONJUR_SERVICE_ID") or conjurrc.service_id
    if kind == "jwt" and service:
        return _jwt(service)
    if kind not in {"authn", "ldap"}:
        raise ConfigError(
            f"a login to Conjur of type {shown(kind)} needs auth, with the method and what it takes"
        )
    if kind == "ldap" and not service:
        raise ConfigError(
            "a login to Conjur of type 'ldap' needs its service: set CONJUR_SERVICE_ID, or auth"
        )
    stored = _Stored(addresses, f"authn-ldap/{service}" if kind == "ldap" else "authn", conjurrc.netrc_path)
    stored.read()

    def request(account: str, deadline: Deadline) -> LoginRequest:  # noqa: ARG001 - all of it is local
        login, key = stored.read()
        if kind == "ldap":
            return ldap_request(account, service, login, key)
        return api_key_request(account, login, key)

    return request


class _Stored:
    """Login and key, in two variables or in ``.netrc``."""

    def __init__(self, addresses: Sequence[Address], authenticator: str, netrc_path: str) -> None:
        self._machines = machines_of(addresses, authenticator)
        self._netrc_path = netrc_path

    def read(self) -> tuple[str, MaskedStr]:
        login, key = _text(_LOGIN), MaskedStr(_text(_KEY))
        if login and key:
            return login, key
        path = _text("CONJUR_NETRC_PATH") or self._netrc_path or "~/.netrc"
        stored = None if login or key else stored_login(path, self._machines)
        if stored is None:
            missing = _KEY if login else _LOGIN
            raise ConfigError(
                f"a login to Conjur needs the variable {missing}, or {_EXAMPLE}, "
                f"or one that Conjur's CLI has stored in {shown(path)}"
            )
        return stored


def _jwt(service: str) -> Auth:
    settings: dict[str, Credential] = {"service_id": service, "jwt": _given_jwt}
    if host := _text("CONJUR_AUTHN_JWT_HOST_ID"):
        settings["login"] = host
    method = jwt_auth(settings)
    _given_jwt()
    return method


def _given_jwt() -> str:
    if jwt := _text("CONJUR_AUTHN_JWT_TOKEN"):
        return MaskedStr(jwt)
    path = _text("JWT_TOKEN_PATH") or _POD_TOKEN
    try:
        found, problem = read_file(path), f"nothing is at {shown(path)}"
    except ResolverError as error:
        found, problem = None, error.detail
    if found is None:
        raise ConfigError(
            f"a login to Conjur by JWT needs the variable CONJUR_AUTHN_JWT_TOKEN, or JWT_TOKEN_PATH: {problem}"
        )
    return found[0].decode("ascii", "replace")


def _text(name: str) -> str:
    return os.environ.get(name, "").strip()
