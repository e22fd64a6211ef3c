"""From a name or reference to the parameter, version or label it stands for, and on to what AWS is asked; no I/O."""

from __future__ import annotations

import re

from secretsource._reference import Reference, check_name, shown
from secretsource.errors import InvalidReference
from secretsource.resolvers import Location
from secretsource.resolvers._own_reference import own_reference

__all__ = ["is_arn", "is_possible", "locate_name", "locate_reference", "selector", "with_region"]

_PARAMETER = re.compile(r"[A-Za-z0-9_.-]+|(?:/[A-Za-z0-9_.-]+){1,15}/?", re.ASCII)
_OF_AWS = "aws/"  # public parameters, and Secrets Manager seen through Parameter Store
_VERSION = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_LABEL = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]{0,99}", re.ASCII)
_LONGEST = 1011  # characters


def locate_name(name: str, *, prefix: str, document: bool) -> Location:
    """Return the parameter that *name* stands for: ``pepipost/api_key`` → ``/pepipost/api_key``.

    A name that would lead into AWS's own ``/aws/``, from where Secrets Manager can be read, gets the address of a
    parameter that cannot be: names may come from untrusted places.
    """
    start = prefix.removeprefix("/")
    full = start + check_name(name) + ("/" if document else "")
    leads_away = "/" not in start and full.lower().startswith(_OF_AWS)
    return Location(address=full if leads_away else f"/{full}", document=document)


def locate_reference(text: str, *, resolver: str, document: bool) -> Location:
    """Return the parameter that a reference names; one of several segments begins with ``/`` also if none is written.

    Raises:
        InvalidReference: It is malformed, belongs to another resolver, or asks for what Parameter Store does not have.
    """
    asked = own_reference(text, resolver)
    if document:
        _check_path(text, asked)
    if asked.version is not None and asked.stage is not None:
        raise InvalidReference(f"{shown(text)}: a version or a stage, not both")
    if asked.version is not None and _VERSION.fullmatch(asked.version) is None:
        raise InvalidReference(f"{shown(text)}: a version of a parameter is a number; a label is its stage")
    if asked.stage is not None and _LABEL.fullmatch(asked.stage) is None:
        raise InvalidReference(f"{shown(text)}: that is no label of a parameter")
    has_path = document or "/" in asked.path
    lacks_slash = has_path and not asked.path.startswith("/") and not is_arn(asked.path)
    address = f"/{asked.path}" if lacks_slash else asked.path
    return Location(
        address=address + ("/" if document else ""),
        field=asked.field,
        version=asked.version,
        stage=asked.stage,
        document=document,
    )


def _check_path(text: str, asked: Reference) -> None:
    if asked.field is not None:
        raise InvalidReference(f"{shown(text)} names one field: leave out '#' and the rest to get them all")
    if asked.version is not None or asked.stage is not None:
        raise InvalidReference(f"{shown(text)}: no version and no stage joins the parameters below a path")
    if is_arn(asked.path):
        raise InvalidReference(f"{shown(text)}: an ARN is one parameter and no path")


def with_region(location: Location, region: str | None) -> Location:
    """Let *location* show the region, where one is configured."""
    shown_text = f"{location}*" if location.document else str(location)
    return location.__replace__(text=f"{shown_text} in {region}" if region else shown_text)


def is_arn(address: str) -> bool:
    """Whether it is an ARN, such as that of a parameter which another account shares."""
    return address.startswith("arn:")


def is_possible(address: str) -> bool:
    """Whether there can be such a parameter or path; AWS calls a request for any other malformed."""
    if is_arn(address):
        return True
    return len(address) <= _LONGEST and _PARAMETER.fullmatch(address) is not None


def selector(location: Location) -> str:
    """Return what AWS is asked for: the name, with the version or label behind a colon."""
    wanted = location.version or location.stage
    return f"{location.address}:{wanted}" if wanted else location.address
