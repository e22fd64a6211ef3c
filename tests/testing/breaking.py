"""Resolvers that each break one promise of the contract."""

from __future__ import annotations

import os
import secrets
import time
from typing import Any

from secretsource.errors import AccessDenied, DeadlineExceeded, Reason
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
            held for (address, *_), held in self._documents.items() if address.startswith(location.address)
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
        answers = [held.answer() for held in self._documents.values()]
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
