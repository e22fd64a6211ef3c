"""An error that several locations share, as one of each."""

from __future__ import annotations

from secretsource.errors import ResolverError
from secretsource.resolvers import Answer, Location

__all__ = ["own_error"]


def own_error(said: Answer | ResolverError, resolver: str, location: Location) -> Answer | ResolverError:
    """Return *said*; an error as a new one that names this location, whichever it was met at.

    Args:
        said: What came of a request.
        resolver: The configured name.
        location: Where it was made for.
    """
    if not isinstance(said, ResolverError):
        return said
    error = said.copy(resolver=resolver)
    error.location = str(location)
    return error
