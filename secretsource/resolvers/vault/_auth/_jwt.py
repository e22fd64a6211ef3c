"""Logins with a signed JSON Web Token: of any issuer, and of Kubernetes, which writes one into every pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._credential import Credential, reveal
from secretsource.resolvers._file import read_file
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.vault._auth._method import auth_mount, log_in, revealed, text_of
from secretsource.resolvers.vault._auth._token import Token

if TYPE_CHECKING:
    from secretsource.resolvers.vault._adapter import CallAdapter
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["SERVICE_ACCOUNT_TOKEN", "JwtMethod", "KubernetesMethod"]

SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path
_JWT_BYTES = 64 * 1024


class JwtMethod:
    """Logs in with a JWT, which is read anew each time: who issues it replaces it before it ends.

    An ID token of OpenID Connect is one. The other half of Vault's OIDC method, a login in a browser, is not for
    programs.

    Args:
        jwt: The JWT.
        role: The role; without it, the default role of the mount.
        mount: Where the auth method is mounted, without ``auth/``.
    """

    def __init__(self, jwt: Credential, role: Credential | None = None, mount: Credential = "jwt") -> None:
        self._jwt = jwt
        self._role = role
        self._mount = auth_mount(mount)

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:
        """Log in once."""
        role, jwt = text_of(self._role), revealed(self._jwt, "JWT")
        return log_in(
            transport,
            f"{self._mount}/login",
            lambda adapter: self._ask(adapter, role, jwt),
            deadline,
            clock,
            refused=f"auth/{self._mount} refused the JWT or the role",
        )

    def _ask(self, adapter: CallAdapter, role: MaskedStr, jwt: MaskedStr) -> Reply | ResolverError:
        from hvac.api.auth_methods import JWT

        outcome: Reply | ResolverError = JWT(adapter).jwt_login(role, jwt, use_token=False, path=self._mount)
        return outcome


class KubernetesMethod:
    """Logs in as the service account of a pod.

    Args:
        role: The role.
        jwt: The token of the service account; without it, the one that Kubernetes has written into the pod.
        mount: Where the auth method is mounted, without ``auth/``.
    """

    def __init__(
        self, role: Credential, jwt: Credential | None = None, mount: Credential = "kubernetes"
    ) -> None:
        self._role = role
        self._jwt: Credential = _service_account_token if jwt is None else jwt
        self._mount = auth_mount(mount)

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:
        """Log in once."""
        role, jwt = text_of(self._role), revealed(self._jwt, "token of the service account")
        return log_in(
            transport,
            f"{self._mount}/login",
            lambda adapter: self._ask(adapter, role, jwt),
            deadline,
            clock,
            refused=f"auth/{self._mount} refused the service account or the role",
        )

    def _ask(self, adapter: CallAdapter, role: MaskedStr, jwt: MaskedStr) -> Reply | ResolverError:
        from hvac.api.auth_methods import Kubernetes

        outcome: Reply | ResolverError = Kubernetes(adapter).login(
            role, jwt, use_token=False, mount_point=self._mount
        )
        return outcome


def _service_account_token() -> str:
    found = read_file(SERVICE_ACCOUNT_TOKEN, limit=_JWT_BYTES)
    text = None if found is None else MaskedStr(found[0].decode("ascii", "replace"))
    if text is None:
        raise resolver_error(
            Reason.DENIED,
            f"there is no {SERVICE_ACCOUNT_TOKEN}: this is no pod of Kubernetes, or its token is not mounted; "
            "set jwt under auth",
        )
    return MaskedStr(reveal(text))
