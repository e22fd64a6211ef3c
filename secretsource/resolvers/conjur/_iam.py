"""Logins of ``authn-iam``: a signed request to AWS, which Conjur sends there and so learns who has signed it.

The signature is botocore's, with the credentials that boto3 finds. The request itself is sent to Conjur alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._secret import MaskedBytes
from secretsource.resolvers._aws._modules import MODULES
from secretsource.resolvers._aws._sts import check_login_region
from secretsource.resolvers._credential import Credential, reveal
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers.conjur._login_request import Auth, LoginRequest, authenticate_path, optional

if TYPE_CHECKING:
    from secretsource.resolvers._aws._caller import SignedRequest

__all__ = ["iam_auth"]

_MODULES = (*MODULES, "secretsource.resolvers._aws._caller")
_GLOBAL = "global"
_USUAL = "us-east-1"  # that of conjur_api


def iam_auth(settings: Mapping[str, Credential]) -> Auth:
    """Return the login with the identity that this program has at AWS.

    Raises:
        ConfigError: The region is none.
        MissingDependency: boto3 is not installed.
    """
    check_installed("conjur", "boto3 for auth of method 'iam'", modules=("boto3", "botocore"), extra="aws")
    region = optional(settings, "region") or _USUAL
    check_login_region(region, "iam", _GLOBAL)
    signers = PerProcess(lambda: _Signer(region), modules=_MODULES)

    def request(account: str, deadline: Deadline) -> LoginRequest:
        login = reveal(settings["login"])
        signed = signers.get().sign(deadline)
        return LoginRequest(
            login=login,
            path=authenticate_path("authn-iam", reveal(settings["service_id"]), account, login),
            body=MaskedBytes(json.dumps(dict(signed.headers)), "utf-8"),
            content_type="application/json",
            refused="an identity at AWS that is refused there or is for another host",
        )

    return request


class _Signer:
    """Signs for one region; made once per process, as its imports must be whole before a fork."""

    def __init__(self, region: str) -> None:
        # As conjur_api and the server name it, in China too.
        self._host = "sts.amazonaws.com" if region == _GLOBAL else f"sts.{region}.amazonaws.com"
        self._region = region

    def sign(self, deadline: Deadline) -> SignedRequest:
        from secretsource.resolvers._aws._caller import GLOBAL_REGION, signed_caller_request

        region = GLOBAL_REGION if self._region == _GLOBAL else self._region
        return signed_caller_request(
            self._host, region, deadline, resolver="conjur", method="GET", headers={"host": self._host}
        )
