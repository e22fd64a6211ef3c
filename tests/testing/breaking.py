"""Resolvers that each break one promise of the contract."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from typing import Any

from secretsource.errors import AccessDenied, DeadlineExceeded, Reason, ResolverError
from secretsource.resolvers import Deadline, Document, Location
from secretsource.testing import MemoryResolver


class Changing(MemoryResolver):
    """Gives out each value as `change` makes it."""

    def change(self, value: Any) -> Any:
        return value

    def fetch(self, location: Location, deadline: Deadline) -> Any:
        answer = super().fetch(location, deadline)
        if not isinstance(answer, Document):
            return answer
        value = None if answer.value is None else self.change(answer.value.reveal())
        fields = {key: self.change(each.reveal()) for key, each in answer.fields.items()}
        kept = {key: each for key, each in fields.items() if each is not None}
        return Document(value=value, fields=kept, version=answer.version)


class Stripping(Changing):
    def change(self, value: Any) -> Any:
        return value.strip() if isinstance(value, str) else value


class Cutting(Changing):
    def change(self, value: Any) -> Any:
        return value[:50_000]


class Narrow(Changing):
    def change(self, value: Any) -> Any:
        return value.encode("ascii", "replace").decode() if isinstance(value, str) else value


class OneLine(Changing):
    def change(self, value: Any) -> Any:
        return value.splitlines()[0] if value and isinstance(value, str) else value


class Textual(Changing):
    def change(self, value: Any) -> Any:
        return value if isinstance(value, str) else value.decode("latin-1")


class Falsy(Changing):
    def change(self, value: Any) -> Any:
        return value or None


class Parsing(Changing):
    def change(self, value: Any) -> Any:
        return str(int(value)) if str(value).isdecimal() else value


class MissingIsEmpty(MemoryResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        return super().fetch(location, deadline) or Document(value="", fields={location.field or "": ""})


class MissingIsAnError(MemoryResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        return super().fetch(location, deadline).version


class Remembering(MemoryResolver):
    known: dict[Location, Any]

    def fetch(self, location: Location, deadline: Deadline) -> Any:
        self.__dict__.setdefault("known", {})
        return self.known.setdefault(location, super().fetch(location, deadline))


class FirstField(MemoryResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        answer = super().fetch(location, deadline)
        if isinstance(answer, Document) and location.field and answer.fields and not location.document:
            value: Any = answer.fields.get(location.field, *answer.fields.values())
            return Document(fields={location.field: value})
        return answer


class Greedy(MemoryResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        if not location.document:
            return super().fetch(location, deadline)
        alike = [
            held
            for (address, *_), held in self._held._documents.items()
            if address.startswith(location.address)
        ]
        fields: dict[str, Any] = {}
        for held in alike:
            answer = held.answer()
            fields |= answer.fields if isinstance(answer, Document) else {}
        return Document(fields=fields)


class Unversioned(MemoryResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        answer = super().fetch(location, deadline)
        return Document(value=answer.value, fields=answer.fields) if isinstance(answer, Document) else answer


class Returning(MemoryResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        answer = super().fetch(location, deadline)
        return dict(answer.fields) if isinstance(answer, Document) else answer


class Trusting(MemoryResolver):
    def locate(self, name: str, *, document: bool = False) -> Location:
        path, _, field = name.rpartition("/")
        return Location(address=path or field, field=field if path else None, document=document)


class AnyScheme(MemoryResolver):
    def _address(self, reference: Any, text: str) -> str:
        return str(reference.path)


class Looking(MemoryResolver):
    def locate(self, name: str, *, document: bool = False) -> Location:
        with open(os.devnull):
            return super().locate(name, document=document)


class Random(MemoryResolver):
    def locate(self, name: str, *, document: bool = False) -> Location:
        found = super().locate(name, document=document)
        return Location(
            address=found.address, field=found.field, document=document, text=secrets.token_hex(4)
        )


class OneField(MemoryResolver):
    def locate(self, name: str, *, document: bool = False) -> Location:
        found = super().locate(name, document=document)
        return Location(address=found.address, version=found.version, document=document)


class Elsewhere(MemoryResolver):
    def _address(self, reference: Any, text: str) -> str:
        return super()._address(reference, text).upper()


class Current(MemoryResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        return super().fetch(Location(address=location.address, document=location.document), deadline)


class Nameless(MemoryResolver):
    @property
    def name(self) -> str:
        return ""

    @name.setter
    def name(self, value: str) -> None: ...

    def _address(self, reference: Any, text: str) -> str:
        return str(reference.path)


class Talkative(MemoryResolver):
    def __repr__(self) -> str:
        return str([{key: str(value) for key, value in answer.fields.items()} for answer in self._answers()])

    def _answers(self) -> list[Document]:
        answers = [held.answer() for held in self._held._documents.values()]
        return [answer for answer in answers if isinstance(answer, Document)]


class Pickled(Talkative):
    def __repr__(self) -> str:
        return "Pickled()"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (
            [(key, str(value)) for answer in self._answers() for key, value in answer.fields.items()],
        )


class Chaining(MemoryResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        try:
            return super().fetch(location, deadline)
        except AccessDenied:
            raise AccessDenied("no") from None


class Showing(Talkative):
    __repr__ = MemoryResolver.__repr__

    def fetch(self, location: Location, deadline: Deadline) -> Any:
        bodies = [str(value) for answer in self._answers() for value in answer.fields.values()]
        if bodies and self._failures:
            raise AccessDenied(location=location.address)
        return super().fetch(location, deadline)


class Careless(Showing):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        bodies = [str(value) for answer in self._answers() for value in answer.fields.values()]
        if bodies and deadline.expired:
            raise DeadlineExceeded
        return super().fetch(location, deadline)


class Broken(MemoryResolver):
    def deny(self, name: str | None = None) -> None:
        self.fail(Reason.SERVER, name)


class Late(MemoryResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        if deadline.expired:
            time.sleep(0.3)
        return super().fetch(location, deadline)


class Shared(MemoryResolver):
    """Keeps what it is asked for where other threads see it."""

    asked: Location

    def fetch(self, location: Location, deadline: Deadline) -> Any:
        self.asked = location
        time.sleep(0.001)
        return super().fetch(self.asked, deadline)


class OnceOnly(MemoryResolver):
    closed = False

    def close(self) -> None:
        self.closed = True

    def fetch(self, location: Location, deadline: Deadline) -> Any:
        assert not self.closed
        return super().fetch(location, deadline)


class Batching(MemoryResolver):
    """Keeps the contract, in rounds too."""

    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        return [self.settled(location, deadline) for location in locations]

    def settled(self, location: Location, deadline: Deadline) -> Any:
        try:
            return self.fetch(location, deadline)
        except ResolverError as error:
            return error.copy()


class Sorting(Batching):
    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        return super().fetch_many(sorted(locations, key=lambda each: each.address), deadline)


class Deduplicating(Batching):
    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        return super().fetch_many(list(dict.fromkeys(locations)), deadline)


class LeavingOut(Batching):
    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        return [answer for answer in super().fetch_many(locations, deadline) if answer is not None]


class ShortOfPlaces(Batching):
    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        answers = super().fetch_many(locations, deadline)
        return [*answers[:20], *[None] * (len(answers) - 20)]


class AllOrNothing(Batching):
    def settled(self, location: Location, deadline: Deadline) -> Any:
        return self.fetch(location, deadline)


class Silencing(Batching):
    def settled(self, location: Location, deadline: Deadline) -> Any:
        said = super().settled(location, deadline)
        return None if isinstance(said, ResolverError) else said


class OneErrorForAll(Batching):
    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        answers = super().fetch_many([*locations, *locations], deadline)[: len(locations)]
        errors = [answer for answer in answers if isinstance(answer, ResolverError)]
        return [errors[0] if isinstance(answer, ResolverError) else answer for answer in answers]


class KeepingTracebacks(Batching):
    def settled(self, location: Location, deadline: Deadline) -> Any:
        try:
            return self.fetch(location, deadline)
        except ResolverError as error:
            return error


class NewestAlways(Batching):
    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        return super().fetch_many([Location(address=each.address) for each in locations], deadline)


class ByAddressAlone(Batching):
    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        picked = [Location(address=each.address, field=each.field) for each in locations]
        answers = super().fetch_many(picked, deadline)
        return [
            Document(fields={each.field: answer.fields[each.field]})
            if isinstance(answer, Document) and each.field in answer.fields
            else None
            for each, answer in zip(picked, answers, strict=True)
        ]


class Unpunctual(Batching):
    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        if deadline.expired:
            time.sleep(0.3)
        return super().fetch_many(locations, deadline)


class Strict(Batching):
    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        return super().fetch_many(locations, deadline) if locations else [None]


class WrongInChildren(Batching):
    def __init__(self) -> None:
        super().__init__()
        self.own = os.getpid()

    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> Any:
        found = super().fetch_many(locations, deadline)
        return found if os.getpid() == self.own else found[::-1]
