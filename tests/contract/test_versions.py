"""What is read together belongs together, whatever is rotated meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from secretsource import Store
from secretsource.errors import SecretSourceError
from secretsource.resolvers import Deadline, Document, Location
from tests.contract.worlds import TTL, WINDOW
from tests.fakes import BatchResolver, FakeClock, FakeResolver, Gate, in_threads, outcome

T = TypeVar("T")

FIELDS = ("user", "password", "host", "port")
NAMES = [f"db/{field}" for field in FIELDS]


def rotating(lease: float | None = None) -> Callable[[Location, Deadline], Document]:
    """Return a script whose every answer is a new version, which each of its values tells."""
    numbers = itertools.count(1)

    def answer(location: Location, deadline: Deadline) -> Document:
        number = str(next(numbers))
        if int(number) % 3 == 0:
            time.sleep(0.001)  # answers overtake one another
        return Document(fields=dict.fromkeys(FIELDS, number), version=number, lease=lease)

    return answer


class Storm:
    """A document that changes with each fetch, refreshed by threads as fast as they can."""

    def __init__(self, backend: FakeResolver, lease: float | None = None) -> None:
        self.clock, self.backend = FakeClock(), backend
        backend.says["db"] = rotating(lease)
        self.store = Store([backend], ttl=TTL, clock=self.clock)
        self.over = threading.Event()

    def run(self, read: Callable[[], T], times: int = 150) -> list[T]:
        """Return what *read* returned while the storm went on."""

        def blow() -> None:
            for name in itertools.cycle(NAMES):
                if self.over.is_set():
                    return
                self.store.get(name, refresh=True)
                self.clock.advance(1)

        threads = [threading.Thread(target=blow) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            return [
                got
                for thread in in_threads(2, lambda: [read() for _ in range(times)])
                for got in came(thread)
            ]
        finally:
            self.over.set()
            for thread in threads:
                thread.join(10)


def came(of: T | BaseException) -> T:
    """Return what *of* is, or raise it."""
    if isinstance(of, BaseException):
        raise of
    return of


KINDS = pytest.mark.parametrize("kind", [FakeResolver, BatchResolver], ids=["single", "batch"])


@KINDS
@pytest.mark.parametrize("lease", [None, 30.0])
class TestOneVersion:
    def test_in_the_fields_of_a_document(self, kind: type[FakeResolver], lease: float | None) -> None:
        storm = Storm(kind(fields=True), lease)
        for fields in storm.run(lambda: storm.store.get_fields("db")):
            assert (4, 1) == (len(fields), len(set(fields.values())))

    def test_in_a_group_of_names(self, kind: type[FakeResolver], lease: float | None) -> None:
        storm = Storm(kind(fields=True), lease)
        for secrets in storm.run(lambda: storm.store.get_many(NAMES)):
            assert 1 == len({secret.version for secret in secrets.values()})
            assert 1 == len({str(secret.value) for secret in secrets.values()})

    def test_in_a_group_that_is_refreshed(self, kind: type[FakeResolver], lease: float | None) -> None:
        storm = Storm(kind(fields=True), lease)
        for secrets in storm.run(lambda: storm.store.get_many(NAMES, refresh=True), times=60):
            assert 1 == len({secret.version for secret in secrets.values()})

    def test_in_coroutines(self, kind: type[FakeResolver], lease: float | None) -> None:
        storm = Storm(kind(fields=True), lease)
        for secrets in storm.run(lambda: asyncio.run(storm.store.aget_many(NAMES)), times=40):
            assert 1 == len({secret.version for secret in secrets.values()})


def test_a_name_refreshed_between_the_others_takes_all_of_them_along() -> None:
    backend, clock = FakeResolver(fields=True), FakeClock()
    backend.says["db"] = Document(fields=dict.fromkeys(FIELDS, "1"), version="1")
    store = Store([backend], ttl=TTL, clock=clock)
    store.get("db/user")
    backend.says["db"] = Document(fields=dict.fromkeys(FIELDS, "2"), version="2")
    store.get("db/password", refresh=True)
    assert {"2"} == {secret.version for secret in store.get_many(NAMES).values()}
    assert 2 == len(backend.calls)


def test_a_refresh_under_way_gives_no_group_of_two_versions() -> None:
    backend, clock = FakeResolver(fields=True), FakeClock()
    backend.says["db"] = Document(fields=dict.fromkeys(FIELDS, "1"), version="1")
    store = Store([backend], ttl=TTL, clock=clock)
    store.get_many(NAMES)
    gate = Gate(Document(fields=dict.fromkeys(FIELDS, "2"), version="2"))
    backend.says["db"] = gate
    clock.advance(WINDOW)
    assert {"1"} == {secret.version for secret in store.get_many(NAMES).values()}
    gate.wait_until_entered()
    gate.open()


def test_user_and_password_of_a_lease_belong_together_at_its_end() -> None:
    backend, clock = FakeResolver(fields=True), FakeClock()
    backend.says["db"] = rotating(lease=60)
    store = Store([backend], ttl=10 * TTL, clock=clock)
    for _ in range(60):
        clock.advance(7)
        secrets = store.get_many(["db/user", "db/password"]).values()
        assert 1 == len({str(secret.value) for secret in secrets})
        assert all(secret.age < 60 for secret in secrets)


def test_a_field_that_goes_with_a_rotation_is_told_and_not_taken_from_the_version_before() -> None:
    backend, clock = FakeResolver(fields=True), FakeClock()
    backend.says["db"] = Document(fields={"user": "1", "password": "1"}, version="1")
    store = Store([backend], ttl=TTL, clock=clock)
    store.get_many(["db/user", "db/password"])
    backend.says["db"] = Document(fields={"user": "2"}, version="2")
    store.get("db/user", refresh=True)
    assert isinstance(outcome(lambda: store.get_many(["db/user", "db/password"])), SecretSourceError)
    assert ["user"] == list(store.get_fields("db"))
