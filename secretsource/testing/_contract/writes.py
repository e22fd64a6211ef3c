"""The part of the contract about writing: all of it or nothing, and nothing of the neighbours'."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

import threading
import time
from functools import partial

from secretsource.errors import (
    BackendUnavailable,
    InvalidReference,
    InvalidValue,
    ResolverError,
    WriteConflict,
)
from secretsource.resolvers import Deadline, Document, Location, Resolver, SupportsPut
from secretsource.testing._contract.hooks import Hooks, nobody, only_if, picked, raised
from secretsource.testing._contract.kept import Canary, Kept, leaks, new_path, pickled, printed

__all__ = ["WriteTests"]

_SOON = 2.0
_WRITERS = 6
_writes = only_if(lambda cls: cls.writes)


class WriteTests(Hooks):
    """What `put` of the resolver has written is there, for every reader, and it says so only if it is."""

    @_writes
    def test_what_is_written_is_there(self) -> None:
        """As a new document, and again in its place; the answer is what a fetch brings."""
        name = f"{new_path()}/field"
        with self.opened() as resolver:
            for value in (Canary(), Canary()):
                said = self.__write(resolver, name, value)
                assert picked(said, resolver.locate(name)) == value
                assert self.read(resolver, name) == value
            with self.opened() as other:
                assert self.read(other, name) == value

    @_writes
    def test_a_name_of_one_segment_is_written(self) -> None:
        """It is the whole value."""
        name, value = new_path(), Canary()
        with self.opened() as resolver:
            self.__write(resolver, name, value)
            assert self.read(resolver, name) == value

    @_writes
    def test_values_are_written_exactly(self) -> None:
        """With spaces, line ends, quotes, characters of every kind, and those that mean something elsewhere."""
        texts = [
            "  \t between \t ",
            "one\ntwo\n\n",
            "zażółć e\u0301 🗝️",
            '{"a": 1}',
            "${HOME}",
            "it's \"=#\\",
            "null",
        ]
        texts += [""] if self.stores_empty else []
        with self.opened() as resolver:
            for text in texts:
                name = f"{new_path()}/field"
                stored = Kept(text if self.keeps_line_end or not text.endswith("\n") else f"{text}|")
                self.__write(resolver, name, stored)
                assert self.read(resolver, name) == stored

    @only_if(lambda cls: cls.writes and cls.binary)
    def test_bytes_are_written_exactly(self) -> None:
        """Every byte, as bytes."""
        name = new_path()
        stored = Kept(bytes(range(255, -1 if self.stores_nul else 0, -1)))
        with self.opened() as resolver:
            self.__write(resolver, name, stored)
            assert self.read(resolver, name) == stored

    @only_if(lambda cls: cls.writes and not cls.binary)
    def test_bytes_that_cannot_be_held_are_refused_and_nothing_is_written(self) -> None:
        """The message does not show them."""
        name, old, new = f"{new_path()}/field", Canary(), Canary()
        self.put(name, old.text)
        with self.opened() as resolver:
            bad = Kept(b"\xff\xfe" + new.text.encode() + b"\x80")
            error = raised(
                InvalidValue, lambda: self.__write(resolver, name, bad), "put of bytes that are no text"
            )
            assert self.read(resolver, name) == old
        assert not leaks([new], [printed(error), str(error)])

    @_writes
    def test_neighbours_stay_as_they_are(self) -> None:
        """The other fields of the document, and documents whose names begin alike."""
        path, stays, value = new_path(), Canary(), Canary()
        for name in (f"{path}/stays", f"{path}x/field"):
            self.put(name, stays.text)
        with self.opened() as resolver:
            self.__write(resolver, f"{path}/field", value)
            found = [self.read(resolver, f"{path}/{field}") for field in ("stays", "field")]
            beside = self.read(resolver, f"{path}x/field")
        assert found == [stays, value]
        assert beside == stays

    @_writes
    def test_writers_of_one_document_lose_nothing(self) -> None:
        """Each writes a field of its own at the same time: it is there, or its writer has heard a `WriteConflict`."""
        path = new_path()
        values = {f"{path}/field{number}": Canary() for number in range(_WRITERS)}
        heard: dict[str, type[Exception]] = {}
        barrier = threading.Barrier(_WRITERS)
        with self.opened() as resolver:

            def write(name: str, value: Canary) -> None:
                barrier.wait()
                try:
                    self.__write(resolver, name, value)
                except Exception as error:  # noqa: BLE001 - told by the test, from another thread
                    heard[name] = type(error)

            threads = [threading.Thread(target=write, args=item, daemon=True) for item in values.items()]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(2 * self.timeout)
            found = {name: self.read(resolver, name) for name in values}
        assert set(heard.values()) <= {WriteConflict}, heard
        lost = [name for name in values if name not in heard and found[name] != values[name]]
        assert not lost, f"{len(lost)} of {_WRITERS} values were written over by another writer"

    @_writes
    def test_what_is_no_single_value_is_not_written(self) -> None:
        """A certain version, or a whole document: `InvalidReference`."""
        name, value = f"{new_path()}/field", Canary()
        self.put(name, value.text)
        with self.opened() as resolver:
            places = [resolver.locate(name.partition("/")[0], document=True)] if self.documents else []
            if self.versions and self.overrides("reference"):
                version = getattr(self.ask(resolver, name), "version", None)
                places.append(resolver.locate(self.reference(name, version=version)))
            for place in places:
                put = partial(self.__put, resolver, place, Canary())
                raised(InvalidReference, put, f"put at {place}")
            assert self.read(resolver, name) == value

    @only_if(lambda cls: cls.writes and cls.compares)
    def test_another_version_than_the_expected_one_is_not_replaced(self) -> None:
        """`WriteConflict`, and the value of then stays."""
        name, second = f"{new_path()}/field", Canary()
        with self.opened() as resolver:
            first = self.__write(resolver, name, Canary()).version
            assert first
            self.__put(resolver, resolver.locate(name), second, expected=first)
            late = Canary()
            error = raised(
                WriteConflict,
                lambda: self.__put(resolver, resolver.locate(name), late, expected=first),
                "put in the place of an older version",
            )
            assert self.read(resolver, name) == second
        self.__shows_nothing(error, late, second)

    @_writes
    def test_a_write_without_time_ends_soon_and_shows_nothing(self) -> None:
        """It is done, or it is an error that leads to no client; the value is in neither."""
        name, old, new = f"{new_path()}/field", Canary(), Canary()
        self.put(name, old.text)
        late: BackendUnavailable | None = None
        with self.opened() as resolver:
            self.read(resolver, name)
            started = time.monotonic()
            try:
                self.__put(resolver, resolver.locate(name), new, deadline=Deadline(0.0))
            except BackendUnavailable as error:
                late = error
            seconds = time.monotonic() - started
            found = self.read(resolver, name)
        assert seconds < _SOON, f"it took {seconds:.1f} s"
        assert found in {old, new}
        if late is not None:
            self.__shows_nothing(late, old, new)

    @only_if(lambda cls: cls.writes and cls.overrides("make_resolver_at"))
    def test_a_write_to_nobody_is_unavailable_and_shows_nothing(self) -> None:
        """The value that was to be written is not in what is raised."""
        value = Canary()
        resolver = self.make_resolver_at(nobody())
        place = resolver.locate(f"{new_path()}/field")
        error = raised(BackendUnavailable, lambda: self.__put(resolver, place, value), "put to nobody")
        self.__shows_nothing(error, value)

    # Mangled: a subclass may well have helpers of these names.

    def __shows_nothing(self, error: ResolverError, *values: Kept) -> None:
        assert (error.__cause__, error.__context__) == (None, None)
        assert not leaks([*values, *map(Kept, self.credentials())], [printed(error), pickled(error)])

    def __write(self, resolver: Resolver, name: str, value: Kept) -> Document:
        return self.__put(resolver, resolver.locate(name), value)

    def __put(
        self,
        resolver: Resolver,
        place: Location,
        value: Kept,
        *,
        expected: str | None = None,
        deadline: Deadline | None = None,
    ) -> Document:
        assert isinstance(resolver, SupportsPut)
        assert value.plain is not None
        said = resolver.put(place, value.plain, deadline or Deadline(self.timeout), expected=expected)
        assert isinstance(said, Document), f"put returned {type(said).__name__}"
        return said
