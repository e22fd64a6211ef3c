"""What a resolver may do beside reading, each a protocol of its own: whoever calls it looks whether it is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from secretsource._deadline import Deadline
from secretsource._record import Record
from secretsource._secret import Document
from secretsource.errors import ResolverError
from secretsource.resolvers._location import Answer, Location

__all__ = [
    "Health",
    "SupportsCheck",
    "SupportsClose",
    "SupportsFetchFresh",
    "SupportsFetchMany",
    "SupportsPolicy",
    "SupportsPut",
    "SupportsRenew",
]


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


@runtime_checkable
class SupportsFetchFresh(Protocol):
    """A resolver that has a cache of its own between it and the backend, such as an agent on the same machine."""

    def fetch_fresh(self, location: Location, deadline: Deadline) -> Answer:
        """Ask past that cache; all else is as with `Resolver.fetch`.

        A store calls it in the place of `fetch` where a reader said ``refresh=True``, or that a value was refused.
        """
        ...


@runtime_checkable
class SupportsRenew(Protocol):
    """A resolver whose backend lends documents for a time, and may prolong it."""

    def renew(self, location: Location, document: Document, deadline: Deadline) -> float | None:
        """Let the lease of *document* go on.

        A store calls it where it would otherwise ask anew for a document with a lease that is in use, and keeps the
        document for the seconds that this returns. So it also finds out whether the lease is still there: one that has
        been revoked is not prolonged.

        Args:
            location: What `locate` returned for the name.
            document: What `fetch` has returned for it once; its ``version`` tells which one it is. After a fork it may
                be one that the parent has fetched.
            deadline: When the answer is wanted.

        Returns:
            The seconds for which the backend lets us use the document, from the moment this is called; `None` if there
            is no such lease any more, or it is better to fetch another document, as near to the end of a lease that
            cannot be prolonged. The store calls `fetch` then.

        Raises:
            ResolverError: The backend cannot answer now; the store asks later, as after a failed `fetch`.
        """
        ...


@runtime_checkable
class SupportsPut(Protocol):
    """A resolver that can also write."""

    def put(
        self, location: Location, value: str | bytes, deadline: Deadline, *, expected: str | None = None
    ) -> Document:
        """Write *value* at *location*, read it back and compare.

        Other fields of the document stay as they are, also where somebody else writes one at the same time. Nothing is
        half written: what cannot be written whole is not begun.

        Args:
            location: What `locate` returned for the name: one value, of no certain version and no stage.
            value: Text or bytes.
            deadline: When it must be done.
            expected: The version that is replaced; if another is the current one, nothing is written. Where the backend
                can compare, this holds to the end: Vault's KV version 2 and AWS Secrets Manager. Where it cannot, the
                version is compared just before, and who writes between the two is written over: Conjur, and AWS
                Parameter Store, where that is noticed afterwards. Where there are no versions, none can be expected.

        Returns:
            The document as it was read back, with its version where the backend has versions.

        Raises:
            InvalidReference: The location is one that cannot be written: a version, a stage, a whole document.
            InvalidValue: The backend cannot hold this value; the message says why and does not show it.
            WriteConflict: *expected* is not the current version, or there are no versions here; or others wrote again
                and again meanwhile.
            AccessDenied: The backend said no; the message says which right is missing.
            BackendUnavailable: It could not be reached or cannot answer now. Whether the value is written is not known
                if the connection broke while it was; the same call may be made again.
            InvalidResponse: What was read back is not what was written, or is no answer.
        """
        ...


class Health(Record):
    """What a backend says of a resolver's login. Holds no value and no token.

    Attributes:
        identity: Who the backend takes us for, such as an ARN; empty where it has no identities.
        expires_in: Seconds until the login ends; `None` if it does not, or the backend does not tell.
        detail: What else is good to know, such as the server's version.
    """

    identity: str = ""
    expires_in: float | None = None
    detail: str = ""


@runtime_checkable
class SupportsCheck(Protocol):
    """A resolver that can tell whether its backend is reachable, and who is logged in."""

    def check(self, deadline: Deadline) -> Health:
        """Ask the backend who we are; reads no secret and changes nothing.

        Raises:
            AccessDenied: The login is refused.
            BackendUnavailable: It could not be reached or cannot answer now.
            InvalidResponse: What it answered is no answer.
            ConfigError: A setting or a credential is wrong.
        """
        ...


@runtime_checkable
class SupportsPolicy(Protocol):
    """A resolver that knows what its backend must allow."""

    def policy_for(self, locations: Sequence[Location]) -> str:
        """Return the smallest policy that lets all *locations* be read, ready to paste; no I/O.

        What only the operator knows stands there in capitals, such as ``ACCOUNT``.
        """
        ...
