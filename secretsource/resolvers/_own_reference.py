"""References to one resolver: others are refused, in the same words everywhere."""

from __future__ import annotations

from secretsource._reference import Reference, parse_reference, shown
from secretsource.errors import InvalidReference

__all__ = ["own_reference"]


def own_reference(text: str, *schemes: str) -> Reference:
    """Return the reference *text*, taken apart.

    Args:
        text: What was asked for.
        schemes: The configured name of the resolver, and what else its references may begin with.

    Raises:
        InvalidReference: It is malformed, or belongs to another resolver.
    """
    reference = parse_reference(text)
    if reference.scheme not in schemes:
        raise InvalidReference(f"{shown(text)} does not belong to the resolver {schemes[0]!r}")
    return reference
