"""How to log in to Vault: a small table of methods, chosen by ``auth = { method = … }``."""

from __future__ import annotations

from collections.abc import Mapping

from secretsource.errors import ConfigError
from secretsource.resolvers._auth_table import AuthMethod, build_method
from secretsource.resolvers._credential import Credential
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers.vault._auth._approle import AppRoleMethod
from secretsource.resolvers.vault._auth._aws import AwsMethod
from secretsource.resolvers.vault._auth._cert import CertMethod
from secretsource.resolvers.vault._auth._given import NoMethod, TokenMethod
from secretsource.resolvers.vault._auth._jwt import JwtMethod, KubernetesMethod
from secretsource.resolvers.vault._auth._method import Method
from secretsource.resolvers.vault._auth._passwords import LdapMethod, UserpassMethod
from secretsource.resolvers.vault._auth._renewal import look_up, renew
from secretsource.resolvers.vault._auth._token import Token
from secretsource.resolvers.vault._settings import Settings

__all__ = ["METHODS", "Method", "Token", "choose_method", "look_up", "modules_of", "renew"]

_USER = ("username", "password")

METHODS: dict[str, AuthMethod[Method]] = {
    "approle": AuthMethod(
        lambda given: AppRoleMethod(**given), ("role_id", "secret_id"), ("mount",), ("secret_id_wrapped",)
    ),
    "aws": AuthMethod(lambda given: AwsMethod(**given), (), ("role", "server_id", "region", "mount")),
    "cert": AuthMethod(lambda given: CertMethod(**given), (), ("name", "mount")),
    "jwt": AuthMethod(lambda given: JwtMethod(**given), ("jwt",), ("role", "mount")),
    "kubernetes": AuthMethod(lambda given: KubernetesMethod(**given), ("role",), ("jwt", "mount")),
    "ldap": AuthMethod(lambda given: LdapMethod(**given), _USER, ("mount",)),
    "none": AuthMethod(lambda _given: NoMethod(), ()),
    "oidc": AuthMethod(lambda given: JwtMethod(**{"mount": "oidc", **given}), ("jwt",), ("role", "mount")),
    "token": AuthMethod(lambda given: TokenMethod(**given), ("token",)),
    "userpass": AuthMethod(lambda given: UserpassMethod(**given), _USER, ("mount",)),
}
"""The methods by the names that the configuration uses."""


def choose_method(resolver: str, auth: Mapping[str, Credential | bool] | None, settings: Settings) -> Method:
    """Return the method that the setting ``auth`` describes; `None` is a token from the environment.

    Args:
        resolver: The configured name, for messages.
        auth: The setting.
        settings: Those of the connection, which a method may need more of than others.

    Raises:
        ConfigError: See `build_method`, or a setting beside ``auth`` is missing.
        MissingDependency: A package that this method needs is not installed.
    """
    method = TokenMethod() if auth is None else build_method(auth, METHODS)
    if isinstance(method, CertMethod) and (settings.authority.client is None or not settings.address.tls):
        raise ConfigError(
            f"auth of method 'cert' under [resolvers.{resolver}] needs client_cert, and an address with https"
        )
    if isinstance(method, AwsMethod):
        check_installed(resolver, "boto3 to log in with AWS", modules=("botocore",), extra="aws")
    return method


def modules_of(method: Method) -> tuple[str, ...]:
    """Return what a login with *method* imports, besides hvac."""
    return AwsMethod.modules if isinstance(method, AwsMethod) else ()
