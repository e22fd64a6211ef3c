"""From a name or reference to the secret, key, version and stage it stands for, and on to the request; no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource._reference import check_name, parse_reference, shown, split_name
from secretsource.errors import InvalidReference
from secretsource.resolvers import Location

if TYPE_CHECKING:
    from types_boto3_secretsmanager.type_defs import GetSecretValueRequestTypeDef

__all__ = ["locate_name", "locate_reference", "request_for", "with_region"]


def locate_name(name: str, *, prefix: str, document: bool) -> Location:
    """Return the secret that *name* stands for; its last segment is the JSON key, unless it is the only one."""
    path, field = (check_name(name), None) if document else split_name(check_name(name))
    return Location(address=prefix + path, field=field, document=document)


def locate_reference(text: str, *, resolver: str, document: bool) -> Location:
    """Return the secret that a reference names.

    Raises:
        InvalidReference: It is malformed, belongs to another resolver, or asks for a field of a whole document.
    """
    asked = parse_reference(text)
    if asked.scheme != resolver:
        raise InvalidReference(f"{shown(text)} does not belong to the resolver {resolver!r}")
    if document and asked.field is not None:
        raise InvalidReference(f"{shown(text)} names one field: leave out '#' and the rest to get them all")
    return Location(
        address=asked.path,
        field=asked.field,
        version=asked.version,
        stage=asked.stage,
        document=document,
    )


def with_region(location: Location, region: str | None) -> Location:
    """Let *location* show the region, where one is configured."""
    return location.__replace__(text=f"{location} in {region}") if region else location


def request_for(location: Location) -> GetSecretValueRequestTypeDef:
    """Return the arguments of GetSecretValue."""
    asked: GetSecretValueRequestTypeDef = {"SecretId": location.address}
    if location.version is not None:
        asked["VersionId"] = location.version
    if location.stage is not None:
        asked["VersionStage"] = location.stage
    return asked
