"""PutParameter: what is asked, and the refusals that are about the value."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from secretsource._record import Record
from secretsource._secret import MaskedStr
from secretsource.errors import Reason
from secretsource.resolvers import Location
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers.ssm._known import SECURE, Known
from secretsource.resolvers.ssm._settings import Settings

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient
    from types_boto3_ssm.type_defs import PutParameterRequestTypeDef

__all__ = ["Refused", "Taken", "request_for", "write"]

_OF_VALUE = {
    "ParameterPatternMismatchException": "the parameter allows only what its AllowedPattern matches",
    "ValidationException": "AWS calls it invalid; among others, a parameter may not hold {{…}}",
}


class Refused(Record):
    """AWS does not take this value; *why* is in fixed words."""

    why: str


class Taken(Record):
    """The parameter that was to be made is there already."""


def request_for(
    location: Location, known: Known | None, key_id: str, settings: Settings
) -> PutParameterRequestTypeDef:
    """Return the arguments of PutParameter, without the value.

    Args:
        location: The parameter.
        known: What it holds; `None` if it is to be made.
        key_id: The key that it keeps, if any.
        settings: Those of the resolver.
    """
    request: PutParameterRequestTypeDef = {
        "Name": location.address,
        "Value": "",
        "Type": SECURE if known is None else known.type,
        "Overwrite": known is not None,
    }
    if key_id and request["Type"] == SECURE:
        request["KeyId"] = key_id
    if settings.tier == "advanced":
        request["Tier"] = "Advanced"
    return request


def write(
    client: SSMClient, request: PutParameterRequestTypeDef, content: MaskedStr
) -> str | Refused | Taken | Failure:
    """Write; return the number of the new version."""
    from botocore.exceptions import ClientError

    try:
        answer = client.put_parameter(
            **cast("PutParameterRequestTypeDef", {**request, "Value": content.reveal()})
        )
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "ParameterAlreadyExists":
            return Taken()
        if code in _OF_VALUE:
            return Refused(why=_OF_VALUE[code])
        raise
    version = answer.get("Version")
    if not isinstance(version, int) or version < 1:
        return Failure(Reason.BROKEN, "HTTP 200 without a version")
    return str(version)
