"""From a name or reference to the secret, key, version and stage it stands for, and on to the request; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from secretsource._reference import check_name, shown, split_name
from secretsource._secret import NotThere
from secretsource.errors import InvalidReference, Reason
from secretsource.resolvers import Location
from secretsource.resolvers._own_reference import own_reference
from secretsource.resolvers.aws._region import Region, region_of

if TYPE_CHECKING:
    from types_boto3_secretsmanager.type_defs import GetSecretValueRequestTypeDef

__all__ = ["impossible", "locate_name", "locate_reference", "request_for", "with_regions"]

_SHORTEST_VERSION = 32  # characters; botocore refuses to ask for less


def locate_name(name: str, *, prefix: str, document: bool) -> Location:
    """Return the secret that *name* stands for; its last segment is the JSON key, unless it is the only one."""
    path, field = (check_name(name), None) if document else split_name(check_name(name))
    return Location(address=prefix + path, field=field, document=document)


def locate_reference(text: str, *, resolver: str, document: bool) -> Location:
    """Return the secret that a reference names.

    Raises:
        InvalidReference: It is malformed, belongs to another resolver, or asks for a field of a whole document.
    """
    asked = own_reference(text, resolver)
    if document and asked.field is not None:
        raise InvalidReference(f"{shown(text)} names one field: leave out '#' and the rest to get them all")
    return Location(
        address=asked.path,
        field=asked.field,
        version=asked.version,
        stage=asked.stage,
        document=document,
    )


def with_regions(location: Location, regions: Sequence[str], resolver: str) -> Location:
    """Let *location* show the regions, where some are configured.

    Raises:
        InvalidReference: It is an ARN of a region that is not one of them.
    """
    if not regions:
        return location
    named = region_of(location.address)
    if named is not None and named not in regions:
        raise InvalidReference(
            f"the secret {shown(location.address)} is in {named}, and the resolver {resolver!r} asks "
            f"{', '.join(regions)}: take another resolver of the kind aws for it"
        )
    where = named if named is not None and named != regions[0] else ", ".join(regions)
    return location.__replace__(text=f"{location} in {where}")


def impossible(location: Location) -> NotThere | None:
    """Return why AWS has no such secret, where that can be said without asking."""
    if location.version is None or len(location.version) >= _SHORTEST_VERSION:
        return None
    return NotThere(Reason.MISSING, f"no version has an id of less than {_SHORTEST_VERSION} characters")


def request_for(location: Location, region: Region) -> GetSecretValueRequestTypeDef:
    """Return the arguments of GetSecretValue in *region*."""
    asked: GetSecretValueRequestTypeDef = {"SecretId": region.address(location.address)}
    if location.version is not None:
        asked["VersionId"] = location.version
    if location.stage is not None:
        asked["VersionStage"] = location.stage
    return asked
