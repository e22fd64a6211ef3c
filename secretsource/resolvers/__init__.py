"""What a resolver is: the object that asks one backend.

Our own resolvers stand beside this file, one module each. Third parties write theirs against the same protocol,
register it under the entry-point group ``secretsource.resolvers`` or pass an object to `Store`, and prove it with
`secretsource.testing.ResolverContract`.

A resolver returns a `Document`, or `None` (or a `NotThere` that says more) for "I looked, it is not there", or raises
one of `secretsource.errors`. It knows neither the store nor another resolver: chain, cache, threads, deadlines of
callers and the policy for each outcome are not its business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeGuard, runtime_checkable

from secretsource._deadline import Deadline
from secretsource._record import Record
from secretsource._reference import Reference, check_name, is_reference, parse_reference, split_name
from secretsource._secret import Document, NotThere
from secretsource.errors import ResolverError

__all__ = [
    "Answer",
    "Deadline",
    "Document",
    "Location",
    "NotThere",
    "Reference",
    "Resolver",
    "SupportsClose",
    "SupportsFetchMany",
    "check_name",
    "is_local",
    "is_reference",
    "is_resolver",
    "parse_reference",
    "split_name",
]

Answer = Document | NotThere | None
"""What a resolver says of one location: what it holds, or that it is not there, `None` for short."""


class Location(Record, uncompared=("text",)):
    """Where a resolver looks for one name: pure data, made without any I/O.

    Attributes:
        address: The document's address at the backend. Documents are cached by address, version and stage, so a
            backend without documents, where a path is read otherwise than a name, gives the path an address of its own.
        field: The member of the document that holds the value; `None` for the whole value.
        version: The version that is asked for, or `None` for the current one.
        stage: The stage that is asked for, or `None` for the usual one.
        document: Whether all fields are wanted, and not one.
        text: What `explain` and messages show; made from the other attributes when it is left empty.
    """

    address: str
    field: str | None = None
    version: str | None = None
    stage: str | None = None
    document: bool = False
    text: str = ""

    def __str__(self) -> str:
        """Return what `explain` and messages show; never a value."""
        if self.text:
            return self.text
        asked = [
            f"{key}={value}" for key, value in (("version", self.version), ("stage", self.stage)) if value
        ]
        query = "?" + "&".join(asked) if asked else ""
        return self.address + query + (f"#{self.field}" if self.field is not None else "")


@runtime_checkable
class Resolver(Protocol):
    """The object that asks one backend.

    Two attributes are optional: ``local = True`` says that `fetch` does no network I/O and cannot hang, so that readers
    call it in their own thread and its answers are kept for one second only; `close` frees connections. A backend that
    answers for many secrets in one request is asked through `SupportsFetchMany`.
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


@runtime_checkable
class SupportsClose(Protocol):
    """A resolver that holds connections."""

    def close(self) -> None:
        """Close them; the next fetch opens new ones."""
        ...


@runtime_checkable
class SupportsFetchMany(Protocol):
    """A resolver whose backend answers for several secrets in one request.

    A store that is asked for several names at once, as by `get_many`, `get_secrets` and `prefetch`, then makes one call
    of `fetch_many` for all of them in place of many calls of `fetch`. What it brought is cached like any other answer.
    """

    def fetch_many(
        self, locations: Sequence[Location], deadline: Deadline
    ) -> Sequence[Answer | ResolverError]:
        """Ask the backend for all *locations*, in as few requests as it allows, inside *deadline*.

        For every location the outcome is the one that `fetch` has for it: the same document, the same "not there", an
        error of the same class and reason. So what the backend does not answer in a batch, such as an old version, is
        fetched by itself, and one secret that is denied or missing takes nothing from its neighbours. Like `fetch`,
        this is called from many threads at once, and the object may be inherited over a fork.

        Args:
            locations: What `locate` returned for each name, none or many. Several may be fields of one document, and
                one may stand there twice: the backend need not be asked for it twice.
            deadline: When all answers are wanted. Requests that are made after one another share it; one that hangs
                should not keep back what the others brought.

        Returns:
            One answer for each location, in their order: a `Document`, `None` or a `NotThere`; or, returned and not
            raised, the `ResolverError` of this location alone. An error is an object of its own for each location,
            without traceback and context, or it leads to frames whose local variables hold tokens.

        Raises:
            ResolverError: The whole round failed; it counts for every location.
            ConfigError: A setting or a credential is wrong.
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
