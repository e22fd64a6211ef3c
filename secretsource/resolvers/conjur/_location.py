"""Which variable a name or a reference is, or below which path."""

from __future__ import annotations

import re

from secretsource._reference import Reference, check_name, is_reference, shown
from secretsource.errors import InvalidReference
from secretsource.resolvers import Location
from secretsource.resolvers._own_reference import own_reference

__all__ = ["locate"]

_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


def locate(name: str, *, resolver: str, account: str, prefix: str, document: bool) -> Location:
    """Return where *name* is.

    Args:
        name: A name or a reference.
        resolver: The scheme of references.
        account: Conjur's account, for messages.
        prefix: Put before a name.
        document: *name* is a path, and all variables directly below it are wanted.

    Raises:
        InvalidReference: It is no name, or asks for what Conjur does not have.
    """
    if not is_reference(name):
        return _location(account, prefix + check_name(name), None, document)
    reference = _checked(own_reference(name, resolver), name)
    if document and reference.version is not None:
        raise InvalidReference(f"{shown(name)}: no version joins the variables below a path")
    return _location(account, reference.path, reference.version, document)


def _location(account: str, variable: str, version: str | None, document: bool) -> Location:
    text = f"{account}:variable:{variable}" + ("/*" if document else "")
    return Location(
        address=f"{variable}/" if document else variable,  # a path is no variable of that name
        version=version,
        document=document,
        text=text if version is None else f"{text}?version={version}",
    )


def _checked(reference: Reference, text: str) -> Reference:
    if reference.path.startswith("/"):
        raise InvalidReference(f"{shown(text)}: a variable's id does not start with '/'")
    if reference.stage is not None or reference.field is not None:
        raise InvalidReference(f"{shown(text)}: Conjur has neither stages nor fields")
    if reference.version is not None and _VERSION.fullmatch(reference.version) is None:
        raise InvalidReference(f"{shown(text)}: a version of Conjur is a whole number from 1 up")
    return reference
