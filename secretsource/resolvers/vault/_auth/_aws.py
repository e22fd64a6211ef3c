"""A login with the IAM identity of AWS: Vault sends a request that we have signed, and learns from AWS who we are."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import ResolverError
from secretsource.resolvers._aws._modules import MODULES
from secretsource.resolvers._aws._sts import check_login_region
from secretsource.resolvers._credential import Credential
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.vault._auth._method import auth_mount, log_in, text_of
from secretsource.resolvers.vault._auth._token import Token

if TYPE_CHECKING:
    from secretsource.resolvers._aws._caller import SignedRequest
    from secretsource.resolvers.vault._adapter import CallAdapter
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["AwsMethod"]

_SERVER_ID = "X-Vault-AWS-IAM-Server-ID"


class AwsMethod:
    """Logs in with the credentials of boto3's own chain: variables, profile, role of the machine or of the pod.

    Args:
        role: The role; without it, the one that is called as the principal.
        server_id: What the mount wants in the header ``X-Vault-AWS-IAM-Server-ID``, so that what is signed for one
            server is of no use to another.
        region: Whose STS the mount asks; without it, the global one, as with Vault itself.
        mount: Where the auth method is mounted, without ``auth/``.
    """

    modules = (*MODULES, "secretsource.resolvers._aws._caller")
    """What a login imports."""

    def __init__(
        self,
        role: Credential | None = None,
        server_id: Credential | None = None,
        region: Credential | None = None,
        mount: Credential = "aws",
    ) -> None:
        if isinstance(region, str):
            check_login_region(region, "aws")
        self._role = role
        self._server_id = server_id
        self._region = region
        self._mount = auth_mount(mount)

    def login(self, transport: Transport, deadline: Deadline, clock: Clock) -> Token:
        """Log in once."""
        from secretsource.resolvers._aws._caller import GLOBAL_REGION, signed_caller_request

        server_id, region, role = text_of(self._server_id), text_of(self._region), text_of(self._role)
        signed = signed_caller_request(
            _host_of(region.reveal()),
            region.reveal() or GLOBAL_REGION,
            deadline,
            resolver="vault",
            method="POST",
            headers={_SERVER_ID: server_id} if server_id else {},
        )
        return log_in(
            transport,
            f"{self._mount}/login",
            lambda adapter: self._ask(adapter, role, signed),
            deadline,
            clock,
            refused=f"auth/{self._mount} refused the identity of AWS or the role",
        )

    def _ask(self, adapter: CallAdapter, role: str, signed: SignedRequest) -> Reply | ResolverError:
        # hvac's own class signs with a clock without time zone, and for the global STS only.
        body = {
            "iam_http_request_method": signed.method,
            "iam_request_url": _in_base64(signed.url),
            "iam_request_body": _in_base64(signed.body),
            "iam_request_headers": _in_base64(
                json.dumps({name: [value] for name, value in signed.headers.items()})
            ),
        }
        outcome: Reply | ResolverError = adapter.post(
            f"/v1/auth/{self._mount}/login", json=body | ({"role": role} if role else {})
        )
        return outcome


def _host_of(region: str) -> str:
    """Return the STS of *region*; without one, the global STS, which Vault itself asks."""
    if not region:
        return "sts.amazonaws.com"
    return f"sts.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def _in_base64(text: str) -> MaskedStr:
    return MaskedStr(b64encode(text.encode()).decode("ascii"))
