"""Resolvers that can write, check and more, and each break one promise of the contract."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from typing import Any

from secretsource import MaskedBytes, MaskedStr
from secretsource.errors import BackendUnavailable, InvalidResponse, InvalidValue, WriteConflict
from secretsource.resolvers import Deadline, Document, Health, Location
from secretsource.testing import MemoryResolver


class Writing(MemoryResolver):
    """Writes as `write` says; a test that prepares itself is served well."""

    def put(self, location: Any, value: Any, deadline: Any = None, **more: Any) -> Any:
        if isinstance(location, str):
            return super().put(location, value, **more)
        value = MaskedStr(value) if isinstance(value, str) else MaskedBytes(value)
        return self.write(location, value, deadline, **more)

    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        return super().put(location, value, deadline, **more)

    def really(self, location: Location, value: Any, **more: Any) -> Any:
        return MemoryResolver.put(self, location, value, Deadline(1), **more)


class Pretending(Writing):
    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        return Document(value=value, fields={location.field: value} if location.field else {})


class Speechless(Writing):
    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        self.really(location, value, **more)


class Trimming(Writing):
    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        return self.really(location, value.strip(), **more)


class FieldsOnly(Writing):
    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        if location.field is None:
            raise InvalidResponse("a document has fields")
        return self.really(location, value, **more)


class AsText(Writing):
    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        return self.really(location, value if isinstance(value, str) else value.decode("latin-1"), **more)


class TextAlone(Writing):
    """Keeps the contract of a backend that holds no bytes."""

    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        if isinstance(value, bytes):
            raise InvalidValue("bytes that are no UTF-8 text")
        return self.really(location, value, **more)


class Shown(TextAlone):
    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        if isinstance(value, bytes):
            raise InvalidValue(f"{bytes(value)!r} is no UTF-8 text")
        return self.really(location, value, **more)


class Replacing(Writing):
    """Writes the document anew, with this field alone."""

    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        if location.field is None or location.version or location.document:
            return self.really(location, value, **more)
        return MemoryResolver.put(self, location.address, {location.field: value})


class Racing(Writing):
    """Reads the document, and writes it a little later."""

    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        if location.field is None or location.version or location.document or more.get("expected"):
            return self.really(location, value, **more)
        answer = self.fetch(Location(address=location.address), Deadline(1))
        fields = dict(answer.fields) if isinstance(answer, Document) else {}
        time.sleep(0.02)
        return MemoryResolver.put(self, location.address, {**fields, location.field: value})


class Timid(Writing):
    """Keeps the contract: of writers at the same time, one writes."""

    busy = threading.Lock()

    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        if not self.busy.acquire(blocking=False):
            raise WriteConflict("somebody else writes")
        try:
            time.sleep(0.005)
            return self.really(location, value, **more)
        finally:
            self.busy.release()


class Anywhere(Writing):
    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        return self.really(Location(address=location.address, field=location.field or "all"), value, **more)


class Blind(Writing):
    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        return self.really(location, value)


class Slow(Writing):
    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        if deadline.expired:
            time.sleep(0.3)
        return self.really(location, value, **more)


class Leaking(Writing):
    def write(self, location: Location, value: Any, deadline: Any, **more: Any) -> Any:
        plain = value.reveal()
        if deadline.expired and plain:
            raise BackendUnavailable("too late")
        return self.really(location, value, **more)


class Unsayable(MemoryResolver):
    def check(self, deadline: Deadline) -> Any:
        return "memory"


class Unsteady(MemoryResolver):
    def check(self, deadline: Deadline) -> Any:
        return Health(identity=secrets.token_hex(4))


class Ended(MemoryResolver):
    def check(self, deadline: Deadline) -> Any:
        return Health(identity="memory", expires_in=0.0)


class Open(MemoryResolver):
    token = secrets.token_hex(16)

    def check(self, deadline: Deadline) -> Any:
        return Health(identity="memory", detail=f"with {self.token}")


class Asking(MemoryResolver):
    def policy_for(self, locations: Sequence[Location]) -> str:
        with open(__file__):
            return super().policy_for(locations)


class FirstAlone(MemoryResolver):
    def policy_for(self, locations: Sequence[Location]) -> str:
        return super().policy_for(locations[:1])


class Differing(MemoryResolver):
    def policy_for(self, locations: Sequence[Location]) -> str:
        return super().policy_for(locations) + secrets.token_hex(4)


class Boasting(MemoryResolver):
    def policy_for(self, locations: Sequence[Location]) -> str:
        held = [answer.fields for answer in (self.fetch(each, Deadline(1)) for each in locations) if answer]
        return super().policy_for(locations) + str([{key: str(held[key]) for key in held} for held in held])


class Fresh(MemoryResolver):
    """Keeps the contract, past a cache that it does not have."""

    def fetch_fresh(self, location: Location, deadline: Deadline) -> Any:
        return self.fetch(location, deadline)


class Remembering(Fresh):
    def fetch_fresh(self, location: Location, deadline: Deadline) -> Any:
        known: dict[Any, Any] = self.__dict__.setdefault("known", {})
        return known.setdefault(location, self.fetch(location, deadline))


class Ending(MemoryResolver):
    def renew(self, location: Location, document: Document, deadline: Deadline) -> float | None:
        return None


class Lasting(MemoryResolver):
    def renew(self, location: Location, document: Document, deadline: Deadline) -> float | None:
        return 600.0


class Silent(MemoryResolver):
    """Does not tell the lease."""

    def fetch(self, location: Location, deadline: Deadline) -> Any:
        answer = super().fetch(location, deadline)
        return Document(value=answer.value, fields=answer.fields) if isinstance(answer, Document) else answer
