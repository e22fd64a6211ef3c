"""How a name becomes the name of a variable; the rule that env and dotenv share."""

from __future__ import annotations

import re

from secretsource._reference import check_name, is_reference, shown
from secretsource.errors import InvalidReference
from secretsource.resolvers import Location
from secretsource.resolvers._own_reference import own_reference

__all__ = [
    "below",
    "locate_variable",
    "start_of",
]

PATH_END = "/"  # ends the address of a path, and no variable
_OTHER = re.compile(r"[^A-Za-z0-9]")


def _variable_of(name: str) -> str:
    """Return the variable of a name: ``pepipost/api_key`` → ``PEPIPOST_API_KEY``."""
    return _OTHER.sub("_", name).upper()


def locate_variable(name: str, resolver: str, prefix: str, where: str, *, document: bool) -> Location:
    """Say which variable holds *name*, or which ones hold the names below it.

    Args:
        name: A name, or a reference such as ``env://PEPIPOST_KEY``, whose path is the variable as it stands.
        resolver: The scheme of references.
        prefix: Put before the variable of a name.
        where: For messages: where the variable is looked for.
        document: Whether *name* is a path, with the variables below it as fields.

    Raises:
        InvalidReference: The reference belongs to another resolver, asks for a version, a stage or a field, or its path
            is no variable.
    """
    variable = (
        _variable_of_reference(name, resolver)
        if is_reference(name)
        else prefix + _variable_of(check_name(name))
    )
    address, text = (variable + PATH_END, f"{variable}_*") if document else (variable, variable)
    return Location(address=address, document=document, text=text + where)


def start_of(address: str) -> str:
    """Return what the variables below the address of a path start with: ``DB_PRIMARY_``."""
    return address.removesuffix(PATH_END) + "_"


def below(variable: str, start: str) -> str:
    """Return the field that *variable* is, of those that begin with *start*: ``DB_PRIMARY_USER`` → ``user``."""
    return variable[len(start) :].lower()


def _variable_of_reference(name: str, resolver: str) -> str:
    reference = own_reference(name, resolver)
    if reference.version or reference.stage or reference.field is not None:
        raise InvalidReference(
            f"{shown(name)}: a variable has no version, stage or field; write env://VARIABLE"
        )
    if "/" in reference.path or "=" in reference.path:
        raise InvalidReference(f"{shown(name)}: a variable is one segment without '='; write env://VARIABLE")
    return reference.path
