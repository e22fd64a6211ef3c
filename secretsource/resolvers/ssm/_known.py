"""What a parameter holds before it is written: its value, its type, its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, cast

from secretsource._record import Record
from secretsource._secret import MaskedStr
from secretsource.resolvers import Location
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers.ssm._document import document_of
from secretsource.resolvers.ssm._location import selector

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient
    from types_boto3_ssm.literals import ParameterTypeType

__all__ = ["SECURE", "Known", "key_of", "known_of"]

SECURE: Final[Literal["SecureString"]] = "SecureString"
_OF_AWS = "alias/aws/ssm"


class Known(Record):
    """One version of a parameter.

    Attributes:
        version: Its number.
        value: The whole value.
        type: ``String``, ``StringList`` or ``SecureString``.
    """

    version: str
    value: MaskedStr
    type: ParameterTypeType


def known_of(client: SSMClient, place: Location, max_bytes: int) -> Known | Failure:
    """Ask for a parameter.

    Args:
        client: Asks.
        place: The parameter, perhaps with a version.
        max_bytes: The most bytes that a value may have.
    """
    parameter = client.get_parameter(Name=selector(place), WithDecryption=True).get("Parameter")
    found = document_of(parameter, place, max_bytes)
    if isinstance(found, Failure):
        return found
    kind = cast("ParameterTypeType", str(parameter.get("Type") or SECURE))
    return Known(version=found.version or "0", value=cast(MaskedStr, found.value), type=kind)


def key_of(client: SSMClient, place: Location) -> str:
    """Ask for the key of KMS that a parameter is encrypted with, as a new version without one would get AWS's own.

    Returns:
        The id or alias; an empty text for AWS's own key, or if AWS does not tell.
    """
    filters = [{"Key": "Name", "Option": "Equals", "Values": [place.address]}]
    answer = client.describe_parameters(ParameterFilters=filters)  # type: ignore[arg-type]
    for each in answer.get("Parameters") or ():
        if each.get("Name") == place.address:
            key = str(each.get("KeyId") or "")
            return "" if key == _OF_AWS else key
    return ""
