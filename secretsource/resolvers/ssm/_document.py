"""From what AWS says of a parameter to a document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from secretsource._secret import Document
from secretsource.errors import Reason
from secretsource.resolvers import Location
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._json_object import members
from secretsource.resolvers._oversize import is_larger
from secretsource.resolvers.ssm._location import is_arn

__all__ = ["document_of", "parameters_in", "value_of"]

_NO_VALUE = "HTTP 200 without a parameter and its value"


def document_of(parameter: object, location: Location, max_bytes: int) -> Document | Failure:
    """Return the document of one parameter; a `Failure` if it is none, as botocore takes any 200 for a success.

    Args:
        parameter: The member ``Parameter`` of an answer, or one of ``Parameters``.
        location: What was asked for.
        max_bytes: The most bytes that a value may have.
    """
    if not isinstance(parameter, Mapping):
        return Failure(Reason.BROKEN, _NO_VALUE)
    if not is_arn(location.address) and not _is_name_of(parameter.get("Name"), location):
        return Failure(Reason.BROKEN, "HTTP 200 with another parameter than the one that was asked for")
    value = value_of(parameter, max_bytes)
    if isinstance(value, Failure):
        return value
    version, changed = parameter.get("Version"), parameter.get("LastModifiedDate")
    if location.version is not None and version != int(location.version):
        return Failure(Reason.BROKEN, "HTTP 200 with another version than the one that was asked for")
    label = parameter.get("Selector")
    if location.stage is not None and isinstance(label, str) and label.removeprefix(":") != location.stage:
        return Failure(Reason.BROKEN, "HTTP 200 with another label than the one that was asked for")
    return Document(
        value=value,
        fields=members(value),
        version=str(version) if isinstance(version, int) else None,
        created=changed if isinstance(changed, datetime) else None,
    )


def value_of(parameter: Mapping[str, object], max_bytes: int) -> str | Failure:
    """Return the value of a parameter, which AWS never keeps empty."""
    value = parameter.get("Value")
    if not isinstance(value, str) or not value:
        return Failure(Reason.BROKEN, _NO_VALUE)
    if is_larger(value, max_bytes):
        return Failure(Reason.BROKEN, f"more than {max_bytes} bytes")
    return value


def parameters_in(answer: Mapping[str, object]) -> list[Mapping[str, object]] | Failure:
    """Return the parameters of an answer with several."""
    found = answer.get("Parameters")
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        return Failure(Reason.BROKEN, "HTTP 200 without a list of parameters")
    return found


def _is_name_of(name: object, location: Location) -> bool:
    """Whether AWS speaks of what was asked for; it may leave out the slash of a parameter without a path."""
    return isinstance(name, str) and name.removeprefix("/") == location.address.removeprefix("/")
