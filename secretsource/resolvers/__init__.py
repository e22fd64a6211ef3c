"""What a resolver is: the object that asks one backend.

Our own resolvers stand beside this file, one module each. Third parties write theirs against the same protocol,
register it under the entry-point group ``secretsource.resolvers`` or pass an object to `Store`, and prove it with
`secretsource.testing.ResolverContract`.

A resolver returns a `Document`, or `None` (or a `NotThere` that says more) for "I looked, it is not there", or raises
one of `secretsource.errors`. It knows neither the store nor another resolver: chain, cache, threads, deadlines of
callers and the policy for each outcome are not its business.
"""

from __future__ import annotations

from typing import Protocol, TypeGuard, runtime_checkable

from secretsource._deadline import Deadline
from secretsource._reference import Reference, check_name, is_reference, parse_reference, split_name
from secretsource._secret import Document, NotThere
from secretsource.resolvers._location import Answer, Location
from secretsource.resolvers._optional import (
    Health,
    SupportsCheck,
    SupportsClose,
    SupportsFetchFresh,
    SupportsFetchMany,
    SupportsPolicy,
    SupportsPut,
    SupportsRenew,
)

__all__ = [
    "Answer",
    "Deadline",
    "Document",
    "Health",
    "Location",
    "NotThere",
    "Reference",
    "Resolver",
    "SupportsCheck",
    "SupportsClose",
    "SupportsFetchFresh",
    "SupportsFetchMany",
    "SupportsPolicy",
    "SupportsPut",
    "SupportsRenew",
    "check_name",
    "is_local",
    "is_reference",
    "is_resolver",
    "parse_reference",
    "split_name",
]


@runtime_checkable
class Resolver(Protocol):
    """The object that asks one backend.

    Two attributes are optional: ``local = True`` says that `fetch` does no network I/O and cannot hang, so that readers
    call it in their own thread and its answers are kept for one second only; `close` frees connections. What else a
    resolver can do, it says by methods of `SupportsFetchMany`, `SupportsFetchFresh`, `SupportsRenew`, `SupportsPut`,
    `SupportsCheck` and `SupportsPolicy`.
    """

    name: str

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say where *name* is looked for; no I/O.

        Args:
            name: A name or an explicit reference. The store has checked it, but a resolver that is used on its own has
                to: `check_name`, `is_reference`, `parse_reference` and `split_name` are here for it.
            document: *name* is a whole document, not one field of it.

        Raises:
            InvalidReference: It is neither, belongs to another resolver, or asks for what this backend does not have.
        """
        ...

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Ask the backend, once or with retries inside *deadline*.

        Returns:
            The document; `None` or a `NotThere` if the backend says that it is not there.

        Raises:
            AccessDenied: The backend said no, also after one new login.
            BackendUnavailable: It could not be reached or cannot answer now.
            InvalidResponse: What it answered is no answer.
        """
        ...


def is_resolver(thing: object) -> TypeGuard[Resolver]:
    """Whether *thing* has what a resolver needs.

    `isinstance` says the same, but imports `inspect` for it from Python 3.12 on, which is slow.
    """
    return hasattr(thing, "name") and all(callable(getattr(thing, key, None)) for key in ("locate", "fetch"))


def is_local(resolver: Resolver) -> bool:
    """Whether the resolver reads this machine only, so that readers may ask it in their own thread."""
    return getattr(resolver, "local", False) is True
