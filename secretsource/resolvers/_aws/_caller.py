"""A signed request for GetCallerIdentity: others send it to AWS and learn who signed it, so one can log in with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._secret import MaskedStr, NotThere
from secretsource.errors import Reason
from secretsource.resolvers._aws._calls import asked
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._quiet import own_call
from secretsource.resolvers._aws._settings import ClientSettings
from secretsource.resolvers._aws._sts import NOWHERE, STS

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["GLOBAL_REGION", "SignedRequest", "signed_caller_request"]

GLOBAL_REGION = "us-east-1"
"""The region that requests to the global address are signed for."""

_QUESTION = "Action=GetCallerIdentity&Version=2011-06-15"
_TYPE = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request to STS. Its repr shows no header.

    Attributes:
        method: ``GET``, with the question in the address, or ``POST``.
        url: Where it goes, without the question of a ``GET``.
        body: What a ``POST`` asks.
        headers: All that are signed, and the signature; the host only where it was given.
    """

    method: str
    url: str
    body: str
    headers: Mapping[str, MaskedStr] = field(repr=False)


def signed_caller_request(
    host: str,
    region: str,
    deadline: Deadline,
    *,
    resolver: str,
    method: Literal["GET", "POST"],
    headers: Mapping[str, str],
) -> SignedRequest:
    """Return a request that is signed with the credentials of boto3's own chain, asked for anew.

    Args:
        host: Whose STS it is for.
        region: The region of *host*.
        deadline: When the credentials must be there.
        resolver: Who logs in, for messages.
        method: How the question is asked.
        headers: More headers to sign.

    Raises:
        AccessDenied: There are no credentials.
        BackendUnavailable: Whoever gives them cannot be reached.
        ConfigError: boto3's own configuration is wrong.
    """
    said = _made(host, region, deadline, method, dict(headers))
    if isinstance(said, Failure):
        raise replace(said, detail=f"credentials of AWS to log in with: {said.detail}").error(resolver, "")
    return said


def _made(
    host: str, region: str, deadline: Deadline, method: str, headers: dict[str, str]
) -> SignedRequest | Failure:
    """Ask for credentials and sign; nothing is raised from here, as the local variables lead to keys."""
    clients: PerProcess[Clients[BaseClient]] = PerProcess(
        lambda: Clients("sts", ClientSettings(region=region))
    )
    with own_call(deadline):
        said = asked(clients, lambda _: _signed(clients.get(), host, region, method, headers), STS, NOWHERE)
    clients.get().close()
    return Failure(Reason.BROKEN, "AWS has no such identity") if isinstance(said, NotThere) else said


def _signed(
    clients: Clients[BaseClient], host: str, region: str, method: str, headers: dict[str, str]
) -> SignedRequest:
    """Sign; what botocore raises is told by who calls."""
    session = clients.session()
    credentials = session.get_credentials() if session is not None else None
    frozen = credentials.get_frozen_credentials() if credentials is not None else None
    url = f"https://{host}/"
    if method == "GET":
        request = AWSRequest(method, f"{url}?{_QUESTION}", headers)
    else:
        request = AWSRequest(method, url, {"Content-Type": _TYPE, **headers}, _QUESTION)
    SigV4Auth(frozen, "sts", region).add_auth(request)  # type: ignore[arg-type]  # `None` raises
    return SignedRequest(
        method=method,
        url=url,
        body=_QUESTION if method == "POST" else "",
        headers={name: MaskedStr(value) for name, value in request.headers.items()},
    )
