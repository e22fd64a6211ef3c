"""A signed request for GetCallerIdentity: others send it to AWS and learn who signed it, so one can log in with it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.exceptions import HTTPClientError

from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._quiet import own_call
from secretsource.resolvers._aws._settings import ClientSettings
from secretsource.resolvers._reasons import reason_of

__all__ = ["GLOBAL_REGION", "SignedRequest", "signed_caller_request"]

GLOBAL_REGION = "us-east-1"
_BODY = "Action=GetCallerIdentity&Version=2011-06-15"
_TYPE = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A ``POST`` to STS. Its repr shows no header.

    Attributes:
        url: Where it goes.
        body: What it asks.
        headers: All that are signed, but the host, and the signature.
    """

    url: str
    body: str
    headers: Mapping[str, MaskedStr] = field(repr=False)


def signed_caller_request(
    region: str | None, deadline: Deadline, headers: Mapping[str, str] | None = None
) -> SignedRequest:
    """Return a request that is signed with the credentials of boto3's own chain, asked for anew.

    Args:
        region: Whose STS it is for; `None` for the global one.
        deadline: When the credentials must be there.
        headers: More headers to sign.

    Raises:
        AccessDenied: There are no credentials.
        BackendUnavailable: Whoever gives them cannot be reached.
    """
    made = _made(region, deadline, dict(headers or {}))
    if isinstance(made, ResolverError):
        raise made
    return made


def _made(region: str | None, deadline: Deadline, headers: dict[str, str]) -> SignedRequest | ResolverError:
    outside = sys.exception()
    try:
        with own_call(deadline):
            return _signed(region, headers)
    except Exception as error:  # noqa: BLE001 - whatever botocore raises, its frames hold keys: none gets out
        untold = Reason.REFUSED if isinstance(error, HTTPClientError | BotoConnectionError) else Reason.DENIED
        reason, kind = reason_of(error, outside, untold), type(error).__name__
    return resolver_error(reason, f"the credentials of AWS to log in with cannot be obtained: {kind}")


def _signed(region: str | None, headers: dict[str, str]) -> SignedRequest | ResolverError:
    clients: Clients[object] = Clients("sts", ClientSettings(region=region or GLOBAL_REGION))
    clients.get()
    session = clients.session()
    credentials = None if session is None else session.get_credentials()
    if credentials is None:
        return resolver_error(
            Reason.DENIED,
            "there are no credentials of AWS to log in with: set AWS_PROFILE, or give it a role",
        )
    request = AWSRequest("POST", _url(region), {"Content-Type": _TYPE, **headers}, _BODY)
    SigV4Auth(credentials.get_frozen_credentials(), "sts", region or GLOBAL_REGION).add_auth(request)
    clients.close()
    return SignedRequest(
        url=_url(region),
        body=_BODY,
        headers={name: MaskedStr(value) for name, value in request.headers.items()},
    )


def _url(region: str | None) -> str:
    if region is None:
        return "https://sts.amazonaws.com/"
    return f"https://sts.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}/"
