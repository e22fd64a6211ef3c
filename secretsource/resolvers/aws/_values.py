"""What can be written: where, and which values Secrets Manager can hold."""

from __future__ import annotations

from secretsource._reference import shown
from secretsource._secret import Document, MaskedBytes, MaskedStr, Value
from secretsource.errors import InvalidReference, InvalidValue
from secretsource.resolvers import Location
from secretsource.resolvers._json_object import with_member
from secretsource.resolvers._oversize import is_larger
from secretsource.resolvers._put import NO_TEXT, is_text
from secretsource.resolvers.aws._region import Region, region_of

__all__ = ["check_is_name", "check_place", "content_of"]

_MOST_BYTES = 65_536  # in a secret, all its keys together


def check_place(location: Location, region: Region) -> None:
    """Check that *location* is one that is written to.

    Raises:
        InvalidReference: It is a version, a stage, a whole document, or a replica.
    """
    if location.version is not None or location.stage is not None:
        raise InvalidReference(
            f"{shown(str(location))} cannot be written: a new version is, without version and stage"
        )
    if location.document:
        raise InvalidReference(
            f"{shown(str(location))} cannot be written: write one of its keys, or the whole value"
        )
    named = region_of(location.address)
    if named is not None and region.name and named != region.name:
        raise InvalidReference(
            f"{shown(str(location))} cannot be written: replicas follow the secret in {region.name}"
        )


def check_is_name(location: Location) -> None:
    """Check that a secret can be created at *location*, where none is.

    Raises:
        InvalidReference: It is an ARN.
    """
    if location.address.startswith("arn:"):
        raise InvalidReference(
            f"no secret has the ARN {shown(location.address)}: a new one is written by its name"
        )


def content_of(ground: Document | None, location: Location, value: Value) -> Value:
    """Return what the whole secret is to hold.

    Args:
        ground: What it holds, if it is there.
        location: The secret, or a key of it.
        value: The value that is written there.

    Raises:
        InvalidValue: Secrets Manager cannot hold it.
    """
    content = value if location.field is None else _with_key(ground, location.field, location, value)
    if isinstance(content, MaskedStr) and not is_text(content):
        raise InvalidValue(f"{location} cannot hold {NO_TEXT}")
    if not content:
        raise InvalidValue(f"{location} cannot hold an empty value")
    if is_larger(content, _MOST_BYTES):
        raise InvalidValue(f"{location} cannot hold more than {_MOST_BYTES:,} bytes, all keys together")
    return content


def _with_key(ground: Document | None, key: str, location: Location, value: Value) -> MaskedStr:
    if isinstance(value, MaskedBytes):
        raise InvalidValue(
            f"{location} cannot hold bytes: a key of a JSON object is text; write a whole secret"
        )
    text = MaskedStr("{}") if ground is None else ground.value
    changed = with_member(text, key, value) if isinstance(text, MaskedStr) else None
    if changed is None:
        raise InvalidValue(f"{location} cannot be written: the secret is no JSON object, so it has no keys")
    return changed
