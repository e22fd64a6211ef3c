"""Ways to log in to Conjur: a table of methods, each of which says what request asks for a token.

A method turns credentials into the one request that the session sends over its own connections, so that every method
gets the same limits, deadlines and refusal of redirects. What requests they are is held to conjur_api's own strategies
by tests.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from secretsource._deadline import Deadline
from secretsource._secret import MaskedBytes
from secretsource.errors import ConfigError
from secretsource.resolvers._auth_table import AuthMethod, build_method
from secretsource.resolvers._credential import Credential, reveal
from secretsource.resolvers.conjur._jwt import azure_auth, gcp_auth, jwt_auth, oidc_auth
from secretsource.resolvers.conjur._login_request import Auth, LoginRequest, authenticate_path, optional

__all__ = ["api_key_request", "auth_of", "ldap_request", "login_of"]


def auth_of(auth: Mapping[str, Credential], *, has_certificate: bool = False) -> Auth:
    """Return the method that *auth* describes.

    Args:
        auth: The setting.
        has_certificate: Whether there is a certificate to show in the TLS handshake.

    Raises:
        ConfigError: See `build_method`; or a certificate is to prove who we are, and there is none.
    """
    method = build_method(auth, _METHODS)
    if auth["method"] == "cert" and not has_certificate:
        raise ConfigError(
            "auth of method 'cert' needs a certificate: set client_cert and client_key beside auth"
        )
    return method


def api_key_request(account: str, login: str, api_key: Credential) -> LoginRequest:
    """Return the request of Conjur's default authenticator."""
    return LoginRequest(
        login=login,
        path=authenticate_path("authn", account, login),
        body=MaskedBytes(reveal(api_key), "utf-8"),
    )


def ldap_request(account: str, service_id: str, login: str, password: Credential) -> LoginRequest:
    """Return the request of ``authn-ldap``, which takes the directory's password, or the API key that it stands for."""
    return LoginRequest(
        login=login,
        path=authenticate_path("authn-ldap", service_id, account, login),
        body=MaskedBytes(reveal(password), "utf-8"),
        refused="wrong password",
    )


def _api_key(settings: Mapping[str, Credential]) -> Auth:
    def request(account: str, deadline: Deadline) -> LoginRequest:  # noqa: ARG001 - a reference is local
        return api_key_request(account, reveal(settings["login"]), settings["api_key"])

    return request


def _ldap(settings: Mapping[str, Credential]) -> Auth:
    def request(account: str, deadline: Deadline) -> LoginRequest:  # noqa: ARG001
        service_id, login = reveal(settings["service_id"]), reveal(settings["login"])
        return ldap_request(account, service_id, login, settings["password"])

    return request


def login_of(auth: Mapping[str, Credential] | None) -> str | None:
    """Return who logs in, as far as it is known without reading a credential or a file."""
    found = os.environ.get("CONJUR_AUTHN_LOGIN", "").strip() if auth is None else auth.get("login")
    return found if isinstance(found, str) and found else None


def _iam(settings: Mapping[str, Credential]) -> Auth:
    from secretsource.resolvers.conjur._iam import iam_auth

    return iam_auth(settings)


def _cert(settings: Mapping[str, Credential]) -> Auth:
    def request(account: str, deadline: Deadline) -> LoginRequest:  # noqa: ARG001
        login = optional(settings, "login")
        return LoginRequest(
            login=login or "",
            path=authenticate_path("authn-cert", reveal(settings["service_id"]), account, login),
            body=MaskedBytes(),
            refused="a client certificate that ran out, is not trusted or is for another host",
        )

    return request


_METHODS: dict[str, AuthMethod[Auth]] = {
    "api_key": AuthMethod(_api_key, ("login", "api_key")),
    "ldap": AuthMethod(_ldap, ("service_id", "login", "password")),
    "jwt": AuthMethod(jwt_auth, ("service_id", "jwt"), ("login",)),
    "oidc": AuthMethod(oidc_auth, ("service_id", "jwt")),
    "azure": AuthMethod(azure_auth, ("service_id", "login"), ("resource", "client_id", "jwt")),
    "gcp": AuthMethod(gcp_auth, ("login",), ("service_id", "jwt")),
    "iam": AuthMethod(_iam, ("service_id", "login"), ("region",)),
    "cert": AuthMethod(_cert, ("service_id",), ("login",)),
}
