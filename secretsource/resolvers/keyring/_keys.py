"""From a name or reference to the service and the user that keyring is asked for; no I/O."""

from __future__ import annotations

from secretsource._reference import check_name, is_reference, shown
from secretsource.errors import InvalidReference
from secretsource.resolvers import Location
from secretsource.resolvers._own_reference import own_reference

__all__ = ["locate", "service_and_user"]


def locate(name: str, *, resolver: str, service: str, prefix: str, document: bool) -> Location:
    """Return the place of *name*.

    Args:
        name: A name, or a reference ``keyring://service/user``.
        resolver: The scheme of references.
        service: The service of names.
        prefix: Put before a name.
        document: A whole document is wanted, which a key store does not have.

    Raises:
        InvalidReference: It is malformed, belongs to another resolver, or asks for a document, a version, a stage or a
            field.
    """
    address = f"{service}/{prefix}{check_name(name)}" if not is_reference(name) else _of(name, resolver)
    if document:
        raise InvalidReference(
            f"{shown(name)}: a key store cannot list what lies below a path; ask for each value by its name"
        )
    return Location(address=address)


def service_and_user(location: Location) -> tuple[str, str]:
    """Return what keyring is asked for; no service has a ``/``."""
    service, _, user = location.address.partition("/")
    return service, user


def _of(text: str, resolver: str) -> str:
    asked = own_reference(text, resolver)
    if asked.version or asked.stage or asked.field is not None:
        raise InvalidReference(f"{shown(text)}: a key store has no versions, stages or fields")
    if asked.path.startswith("/") or "/" not in asked.path:
        raise InvalidReference(f"{shown(text)}: write keyring://service/user")
    return asked.path
