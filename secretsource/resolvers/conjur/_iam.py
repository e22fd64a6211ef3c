"""Logins of ``authn-iam``: a signed request to AWS, which Conjur sends there and so learns who has signed it.

The signature is botocore's, with the credentials that boto3 finds. The request itself is sent to Conjur alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._secret import MaskedBytes, NotThere
from secretsource.errors import ConfigError, Reason, SecretSourceError, resolver_error
from secretsource.resolvers._credential import Credential, reveal
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers.conjur._login_request import Auth, LoginRequest, authenticate_path, optional

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from secretsource.resolvers._aws._client import Clients

__all__ = ["iam_auth"]

# All that a first login imports.
_MODULES = (
    "botocore.auth",
    "botocore.awsrequest",
    "botocore.config",
    "botocore.exceptions",
    "encodings.idna",
    "pkgutil",
    "secretsource.resolvers._aws._calls",
    "secretsource.resolvers._aws._quiet",
    "secretsource.resolvers._aws._service",
    "secretsource.resolvers._aws._session",
)
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}", re.ASCII)
_GLOBAL = "global"
_USUAL = "us-east-1"  # that of conjur_api, and of the global address
_QUERY = "Action=GetCallerIdentity&Version=2011-06-15"


def iam_auth(settings: Mapping[str, Credential]) -> Auth:
    """Return the login with the identity that this program has at AWS.

    Raises:
        ConfigError: The region is none.
        MissingDependency: boto3 is not installed.
    """
    check_installed("conjur", "boto3 for auth of method 'iam'", modules=("boto3", "botocore"), extra="aws")
    region = optional(settings, "region") or _USUAL
    if region != _GLOBAL and not _REGION.fullmatch(region):
        raise ConfigError("auth of method 'iam': region is none; write it like 'eu-central-1', or 'global'")
    clients: PerProcess[Clients[BaseClient]] = PerProcess(lambda: _clients_of(region), modules=_MODULES)

    def request(account: str, deadline: Deadline) -> LoginRequest:
        login = reveal(settings["login"])
        signed = _signed(clients, region, deadline)
        if isinstance(signed, SecretSourceError):
            raise signed
        return LoginRequest(
            login=login,
            path=authenticate_path("authn-iam", reveal(settings["service_id"]), account, login),
            body=signed,
            content_type="application/json",
            refused="an identity at AWS that is refused there or is for another host",
        )

    return request


def _clients_of(region: str) -> Clients[BaseClient]:
    from secretsource.resolvers._aws._client import Clients
    from secretsource.resolvers._aws._settings import ClientSettings

    return Clients("sts", ClientSettings(region=_USUAL if region == _GLOBAL else region))


def _signed(
    clients: PerProcess[Clients[BaseClient]], region: str, deadline: Deadline
) -> MaskedBytes | SecretSourceError:
    """Return the headers of the signed request as JSON; credentials are looked for anew each time."""
    clients.get()  # first, as it imports all that is needed
    from secretsource.resolvers import Location
    from secretsource.resolvers._aws._calls import asked
    from secretsource.resolvers._aws._quiet import own_call
    from secretsource.resolvers._aws._service import Service

    service = Service(name="sts", thing="identity", reads=frozenset({"GetCallerIdentity"}))
    with own_call(deadline):
        said = asked(clients, lambda _: _headers(clients.get(), region), service, Location(address=""))
    used = clients.pop()
    if used is not None:
        used.close()
    if isinstance(said, MaskedBytes):
        return said
    if isinstance(said, NotThere):
        return resolver_error(Reason.BROKEN, "AWS has no such identity")
    return said.error("conjur", "")


def _headers(clients: Clients[BaseClient], region: str) -> MaskedBytes:
    """Sign; what botocore raises is told by who calls."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    host = "sts.amazonaws.com" if region == _GLOBAL else f"sts.{region}.amazonaws.com"
    session = clients.session()
    credentials = session.get_credentials() if session is not None else None
    frozen = credentials.get_frozen_credentials() if credentials is not None else None
    request = AWSRequest(method="GET", url=f"https://{host}/?{_QUERY}", headers={"host": host})
    signer = SigV4Auth(frozen, "sts", _USUAL if region == _GLOBAL else region)  # type: ignore[arg-type]  # `None` raises
    signer.add_auth(request)
    return MaskedBytes(json.dumps(dict(request.headers)), "utf-8")
