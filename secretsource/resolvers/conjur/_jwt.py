"""Logins with a JWT: of any issuer that Conjur trusts, of an OpenID provider, or of a cloud's metadata service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from secretsource._deadline import Deadline
from secretsource._secret import MaskedBytes, MaskedStr
from secretsource.errors import ConfigError
from secretsource.resolvers._credential import Credential, reveal
from secretsource.resolvers.conjur._login_request import FORM, Auth, LoginRequest, authenticate_path, optional

__all__ = ["azure_auth", "gcp_auth", "jwt_auth", "oidc_auth"]

_REFUSED = "a JWT that ran out, is not trusted or has other claims"
_AUDIENCE = "https://management.azure.com/"  # that of conjur_api
_SENDABLE = re.compile(r"[!-~]+", re.ASCII)


def jwt_auth(settings: Mapping[str, Credential]) -> Auth:
    """Return the login of ``authn-jwt``: a claim names the host, or *login* does."""

    def request(account: str, deadline: Deadline) -> LoginRequest:  # noqa: ARG001 - a reference is local
        login = optional(settings, "login")
        path = authenticate_path("authn-jwt", reveal(settings["service_id"]), account, login)
        return _request(path, login, given_jwt(settings["jwt"], "jwt"))

    return request


def oidc_auth(settings: Mapping[str, Credential]) -> Auth:
    """Return the login of ``authn-oidc`` with an ID token, which programs use; people use a browser and a code."""

    def request(account: str, deadline: Deadline) -> LoginRequest:  # noqa: ARG001
        path = authenticate_path("authn-oidc", reveal(settings["service_id"]), account)
        return _request(path, None, given_jwt(settings["jwt"], "oidc"), field="id_token")

    return request


def azure_auth(settings: Mapping[str, Credential]) -> Auth:
    """Return the login of ``authn-azure`` with the token of a managed identity."""

    def request(account: str, deadline: Deadline) -> LoginRequest:
        login = reveal(settings["login"])
        path = authenticate_path("authn-azure", reveal(settings["service_id"]), account, login)
        if "jwt" in settings:
            return _request(path, login, given_jwt(settings["jwt"], "azure"))
        from secretsource.resolvers.conjur._metadata import azure_token

        audience = optional(settings, "resource") or _AUDIENCE
        return _request(path, login, azure_token(audience, optional(settings, "client_id"), deadline))

    return request


def gcp_auth(settings: Mapping[str, Credential]) -> Auth:
    """Return the login with an identity token of Google's: by ``authn-jwt`` with a service, else by ``authn-gcp``.

    Of ``authn-gcp`` there is one in a Conjur, and the token's audience tells it the host.
    """

    def request(account: str, deadline: Deadline) -> LoginRequest:
        login = reveal(settings["login"])
        service = optional(settings, "service_id")
        path = (
            authenticate_path("authn-jwt", service, account, login)
            if service
            else authenticate_path("authn-gcp", account)
        )
        if "jwt" in settings:
            return _request(path, login, given_jwt(settings["jwt"], "gcp"))
        from secretsource.resolvers.conjur._metadata import gcp_token

        audience = f"conjur/{account}/host/{login.removeprefix('host/')}"
        return _request(path, login, gcp_token(audience, deadline))

    return request


def given_jwt(credential: Credential, method: str) -> MaskedStr:
    """Return a JWT that is given, read anew.

    Raises:
        ConfigError: It is empty, or no JWT.
    """
    jwt = MaskedStr(reveal(credential).strip())
    if _SENDABLE.fullmatch(jwt):
        return jwt
    raise ConfigError(f"auth of method {method!r}: what 'jwt' brings is empty, or no JWT")


def _request(path: str, login: str | None, jwt: MaskedStr, *, field: str = "jwt") -> LoginRequest:
    body = MaskedBytes(f"{field}={quote(jwt, safe='')}", "ascii")
    return LoginRequest(login=login or "", path=path, body=body, content_type=FORM, refused=_REFUSED)
