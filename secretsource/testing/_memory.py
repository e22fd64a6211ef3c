"""A resolver that answers from memory, and that a test can make deny, fail, hang and talk nonsense."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NoReturn, SupportsIndex, TypeAlias, cast, overload

from secretsource._masked import MaskedBytes, MaskedStr
from secretsource._reference import (
    Reference,
    check_name,
    check_resolver_name,
    is_reference,
    parse_reference,
    shown,
    split_name,
)
from secretsource.errors import InvalidReference, Reason, resolver_error
from secretsource.resolvers import Answer, Deadline, Document, Health, Location
from secretsource.testing._gate import Gate
from secretsource.testing._held import Held, Written

__all__ = ["MemoryResolver", "Values"]

Values: TypeAlias = Mapping[str, "str | bytes | Mapping[str, str | bytes]"]
_NO_FAILURE: Final = (Reason.MISSING, Reason.DELETED, Reason.FIELD)


class MemoryResolver:
    """A real resolver whose backend is a dictionary, for tests.

    The name ``db/primary/user`` is the field ``user`` of the document ``db/primary``; a name of one segment is a whole
    value. ``memory://db/primary?version=1#user`` names document, version and field itself. Every `put` makes a new
    version of its document. Threads may share it; it is asked like a backend on the network, on a worker thread. It can
    do all that a resolver may do beside reading one document: `check`, `policy_for`, `put` and `renew`.

    Args:
        values: Values by name; a mapping is all fields of a document.
        name: The configured name, and the scheme of references.
    """

    def __init__(self, values: Values | None = None, *, name: str = "memory") -> None:
        self.name = check_resolver_name(name)
        self.delay = 0.0
        """Seconds that every fetch and check takes, whatever its deadline."""
        self.health = Health(identity=self.name)
        """What `check` returns while nothing fails."""
        self._held = Held()
        self._calls: list[str] = []
        self._gate: Gate | None = None
        for each, value in (values or {}).items():
            self.put(each, value)

    # What a store calls

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say which document and field *name* is.

        Raises:
            InvalidReference: It is neither a name nor a reference to this resolver, or asks for a field of a whole
                document.
        """
        if not is_reference(name):
            path, field = (check_name(name), None) if document else split_name(check_name(name))
            return Location(address=path, field=field, document=document)
        reference = parse_reference(name)
        if document and reference.field is not None:
            raise InvalidReference(f"{shown(name)} names one field, where a whole document is asked for")
        return Location(
            address=self._address(reference, name),
            field=reference.field,
            version=reference.version,
            stage=reference.stage,
            document=document,
        )

    def _address(self, reference: Reference, text: str) -> str:
        if reference.scheme != self.name:
            raise InvalidReference(f"{shown(text)} asks another resolver than {self.name!r}")
        return reference.path

    def fetch(self, location: Location, deadline: Deadline) -> Answer:  # noqa: ARG002 - a hang respects none
        """Answer as the test has arranged; *deadline* is not looked at, so that hangs can be tested."""
        self._calls.append(location.address)
        self._wait()
        said = self._held.answer(location)
        if isinstance(said, BaseException) or (isinstance(said, type) and issubclass(said, BaseException)):
            raise said
        return cast(Answer, said)  # or nonsense, where a script wants it

    def _wait(self) -> None:
        gate = self._gate
        if gate is not None:
            gate.hold()
        if self.delay:
            time.sleep(self.delay)

    def check(self, deadline: Deadline) -> Health:  # noqa: ARG002 - a hang respects none
        """Return `health`, or fail if everything was arranged to fail."""
        self._wait()
        if (failure := self._held.failure(None)) is not None:
            raise failure
        return self.health

    def policy_for(self, locations: Sequence[Location]) -> str:
        """Return one line for each document: ``allow reading ADDRESS``."""
        return "".join(
            f"allow reading {address}\n" for address in dict.fromkeys(each.address for each in locations)
        )

    def renew(self, location: Location, document: Document, deadline: Deadline) -> float | None:  # noqa: ARG002 - answers at once
        """Return the seconds that `prolong` has arranged for the document, else `None`."""
        if (failure := self._held.failure(location.address)) is not None:
            raise failure
        return self._held.lease(location)

    # What a test arranges, and a store that writes

    @overload
    def put(
        self, location: str, value: str | bytes | Mapping[str, str | bytes], *, lease: float | None = None
    ) -> Document: ...

    @overload
    def put(
        self, location: Location, value: str | bytes, deadline: Deadline, *, expected: str | None = None
    ) -> Document: ...

    def put(
        self,
        location: str | Location,
        value: str | bytes | Mapping[str, str | bytes],
        deadline: Deadline | None = None,
        *,
        lease: float | None = None,
        expected: str | None = None,
    ) -> Document:
        """Let a name have *value*, as a new version of its document; a script for it ends.

        Args:
            location: A name or a reference: then this never fails. Or, as the protocol `SupportsPut` has it, what
                `locate` returned: then it fails where a `fetch` would.
            value: Text or bytes; or a mapping, with a name of a whole document, for all its fields in one step.
            deadline: Not looked at.
            lease: Seconds for which the document may be used.
            expected: The version that is replaced.

        Returns:
            The new version.

        Raises:
            InvalidReference: The location is a version, a stage or a whole document.
            WriteConflict: *expected* is not the current version.
        """
        del deadline
        if isinstance(location, Location):
            value = _masked(value)  # or an error would lead to it
            _check_place(location)
            self._wait()
            return self._held.replace(location, value, expected)
        return self._held.keep(self.locate(location, document=isinstance(value, Mapping)), value, lease)

    def prolong(self, name: str, seconds: float | None) -> None:
        """Let the lease of the document of *name* go on, with so many seconds from each `renew`; `None`: no more."""
        self._held.prolong(self.locate(name), seconds)

    def remove(self, name: str) -> None:
        """Delete *name*: a field of its document, or, for a name of one segment, all of it; a script for it ends."""
        self._held.remove(self.locate(name))

    def deny(self, name: str | None = None) -> None:
        """Let the document of *name*, or every document, be denied."""
        self.fail(Reason.DENIED, name)

    def fail(
        self, reason: Reason | str, name: str | None = None, *, retry_after: float | None = None
    ) -> None:
        """Let the document of *name*, or every document, fail.

        Args:
            reason: A `Reason`, such as ``"timeout"``, ``"sealed"`` or ``"tls"``.
            name: A name or a reference; `None` for all.
            retry_after: Seconds that the backend asks us to wait.

        Raises:
            ValueError: There is no such reason, or it is one of "not there": use `remove`.
        """
        if Reason(reason) in _NO_FAILURE:
            raise ValueError(f"{str(reason)!r} is no failure: remove the name, or script a NotThere")
        failure = resolver_error(Reason(reason), retry_after=retry_after)
        self._held.fail(None if name is None else self.locate(name).address, failure)

    def script(self, name: str, *answers: object) -> None:
        """Let the fetches to come for the document of *name* be answered in this order; the last answer repeats.

        Args:
            name: A name or a reference.
            *answers: A value, which is a new version of the document; a `Document`, a `NotThere` or `None`; an
                exception or its class, which is raised; anything else is returned as a broken resolver might.

        Raises:
            ValueError: No answer is given.
        """
        if not answers:
            raise ValueError("a script needs an answer: a value, None, an exception")
        self._held.script(self.locate(name), answers)

    def recover(self, name: str | None = None) -> None:
        """End what `deny`, `fail` and `script` arranged for the document of *name*, or all of it."""
        self._held.recover(None if name is None else self.locate(name))

    @contextmanager
    def held(self) -> Iterator[Gate]:
        """Let every fetch and check hang, whatever its deadline, until the block ends or the `Gate` is released."""
        outer, gate = self._gate, Gate()
        self._gate = gate
        try:
            yield gate
        finally:
            self._gate = outer
            gate.release()

    # What a test looks at

    @property
    def calls(self) -> list[str]:
        """The addresses of the documents that were fetched so far, in order; a copy."""
        return list(self._calls)

    def reset_calls(self) -> None:
        """Forget the calls so far."""
        self._calls.clear()

    def __repr__(self) -> str:
        """Return the name and how much it holds, no value."""
        return f"{type(self).__name__}({self.name!r}, {len(self._held)} documents)"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse to be pickled.

        Raises:
            TypeError: Always: it holds values.
        """
        raise TypeError(f"a {type(self).__name__} is not pickled: it holds values")

    def _adopt(self, other: MemoryResolver) -> None:
        """Take over what *other* holds and how it answers."""
        self._held.adopt(other._held)
        self.delay, self.health = other.delay, other.health


def _check_place(where: Location) -> None:
    if where.version is not None or where.stage is not None or where.document:
        raise InvalidReference(f"{shown(str(where))} cannot be written: name one value of no certain version")


def _masked(value: Written) -> Written:
    if isinstance(value, str):
        return MaskedStr(value)
    return MaskedBytes(value) if isinstance(value, bytes) else value
