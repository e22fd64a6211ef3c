"""Several names at once, from a resolver that can be asked for several documents at once."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from secretsource import Secret, Store
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    InvalidResponse,
    ResolverError,
    SecretNotFound,
)
from secretsource.resolvers import Deadline, Document, Location
from tests.contract.worlds import TTL, WINDOW, down
from tests.fakes import BatchResolver, FakeClock, FakeResolver, Gate, eventually, in_threads, outcome

NAMES = [f"n{number}" for number in range(8)]

Read = Callable[[Store, Iterable[str]], dict[str, Secret]]


def held_up(entered: threading.Event, gate: threading.Event) -> Callable[[], object]:
    """Return what says that it was called, and waits."""

    def wait() -> object:
        entered.set()
        return gate.wait(10)

    return wait


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def backend() -> BatchResolver:
    backend = BatchResolver()
    for name in NAMES:
        backend.says[name] = Document(value=f"of {name}", version="1")
    return backend


@pytest.fixture
def store(backend: BatchResolver, clock: FakeClock) -> Store:
    return Store([backend], ttl=TTL, clock=clock)


@pytest.fixture(params=["sync", "async"])
def read(request: pytest.FixtureRequest) -> Read:
    if request.param == "sync":
        return lambda store, names: store.get_many(names)
    return lambda store, names: asyncio.run(store.aget_many(names))


def test_it_is_asked_once(store: Store, backend: BatchResolver, read: Read) -> None:
    found = read(store, NAMES)
    assert {name: f"of {name}" for name in NAMES} == {name: str(each.value) for name, each in found.items()}
    assert [sorted(NAMES)] == [sorted(batch) for batch in backend.batches]


def test_afterwards_single_readers_have_hits(store: Store, backend: BatchResolver, read: Read) -> None:
    read(store, NAMES)
    backend.calls.clear()
    assert "of n3" == store.get("n3").value
    read(store, NAMES)
    assert [] == backend.calls


def test_each_document_is_asked_for_once(clock: FakeClock, read: Read) -> None:
    backend = BatchResolver(fields=True)
    backend.says["db"] = Document(fields={"user": "x", "password": "y"})
    backend.says["web"] = Document(fields={"key": "z"})
    read(Store([backend], clock=clock), ["db/user", "db/password", "web/key", "db/user"])
    assert [["db", "web"]] == [sorted(batch) for batch in backend.batches]


def test_only_what_is_not_cached_is_asked_for(store: Store, backend: BatchResolver, read: Read) -> None:
    store.get("n0")
    read(store, NAMES)
    assert [NAMES[1:]] == [sorted(batch) for batch in backend.batches]


def test_what_is_in_flight_is_joined(store: Store, backend: BatchResolver, read: Read) -> None:
    gate = Gate(Document(value="x"))
    backend.says["n0"] = gate
    single = threading.Thread(target=store.get, args=["n0"])
    single.start()
    gate.wait_until_entered()
    threading.Timer(0.1, gate.open).start()
    read(store, NAMES)
    single.join(10)
    assert [NAMES[1:]] == [sorted(batch) for batch in backend.batches]
    assert 1 == [each.address for each in backend.calls].count("n0")


def test_single_readers_join_a_batch_in_flight(store: Store, backend: BatchResolver, read: Read) -> None:
    entered, gate = threading.Event(), threading.Event()
    backend.before_batch = held_up(entered, gate)
    batch = threading.Thread(target=read, args=[store, NAMES])
    batch.start()
    assert entered.wait(10)
    threading.Timer(0.1, gate.set).start()
    assert ["of n5"] * 8 == in_threads(8, lambda: str(store.get("n5").value))
    batch.join(10)
    assert 1 == [each.address for each in backend.calls].count("n5")


def test_a_crowd_asks_once(store: Store, backend: BatchResolver) -> None:
    gate = threading.Event()
    backend.before_batch = lambda: gate.wait(10)
    threading.Timer(0.2, gate.set).start()
    in_threads(16, lambda: store.get_many(NAMES))
    assert sorted(NAMES) == sorted(name for batch in backend.batches for name in batch)


def test_errors_are_of_single_names(store: Store, backend: BatchResolver, read: Read) -> None:
    backend.says["n1"], backend.says["n2"] = AccessDenied(), None
    error = outcome(lambda: read(store, NAMES))
    assert isinstance(error, AccessDenied)
    assert any("n2" in note for note in error.__notes__)
    backend.calls.clear()
    assert ["of n0", "of n7"] == [str(store.get(name).value) for name in ("n0", "n7")]
    assert isinstance(outcome(lambda: store.get("n2")), SecretNotFound)
    assert [] == backend.calls


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (down(), BackendUnavailable),
        (InvalidResponse(), InvalidResponse),
        (ValueError("x"), ResolverError),
        (SystemExit(), ResolverError),
    ],
)
def test_what_fails_as_a_whole_fails_for_each(
    store: Store, backend: BatchResolver, read: Read, answer: BaseException, kind: type[Exception]
) -> None:
    def fails() -> None:
        raise answer

    backend.before_batch = fails
    assert isinstance(outcome(lambda: read(store, NAMES)), kind)
    backend.before_batch = bool
    assert len(NAMES) == len(read(store, NAMES))


@pytest.mark.parametrize("answer", [None, [], ["x"] * 9, 7, {}])
def test_what_is_no_answer_for_each_is_told(
    store: Store, backend: BatchResolver, read: Read, answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "fetch_many", lambda locations, deadline: answer)
    assert isinstance(outcome(lambda: read(store, NAMES)), ResolverError)


def test_an_outage_leaves_the_old_values(
    store: Store, backend: BatchResolver, clock: FakeClock, read: Read
) -> None:
    read(store, NAMES)
    clock.advance(TTL)
    for name in NAMES:
        backend.says[name] = down()
    assert {True} == {secret.stale for secret in read(store, NAMES).values()}


def test_a_hung_batch_leaves_them_too_and_in_one_stale_wait(
    backend: BatchResolver, clock: FakeClock, read: Read
) -> None:
    store = Store([backend], ttl=TTL, clock=clock, stale_wait=0.2)
    read(store, NAMES)
    clock.advance(TTL)
    gate = threading.Event()
    backend.before_batch = lambda: gate.wait(10)
    started = time.perf_counter()
    assert {True} == {secret.stale for secret in read(store, NAMES).values()}
    assert time.perf_counter() - started < 0.8
    gate.set()


def test_readers_in_the_window_do_not_wait(
    store: Store, backend: BatchResolver, clock: FakeClock, read: Read
) -> None:
    read(store, NAMES)
    gate = Gate(None)
    for name in NAMES:
        backend.says[name] = gate
    clock.advance(WINDOW)
    assert {"1"} == {secret.version for secret in read(store, NAMES).values()}
    gate.open()


def test_each_link_is_asked_in_its_turn(clock: FakeClock, read: Read) -> None:
    front, back = BatchResolver("front"), BatchResolver("back")
    for number, name in enumerate(NAMES):
        (front if number % 2 else back).says[name] = Document(value=name)
    found = read(Store([front, back], clock=clock), NAMES)
    assert ["back", "front"] * 4 == [found[name].source for name in NAMES]
    assert [[8], [4]] == [[len(batch) for batch in each.batches] for each in (front, back)]


def test_one_name_alone_is_an_ordinary_fetch(store: Store, backend: BatchResolver, read: Read) -> None:
    read(store, ["n0"])
    assert ([], 1) == (backend.batches, len(backend.calls))


def test_a_resolver_without_it_is_asked_side_by_side(clock: FakeClock, read: Read) -> None:
    backend, barrier = FakeResolver(), threading.Barrier(8)

    def together(location: Location, deadline: Deadline) -> Document:
        barrier.wait(10)
        return Document(value=location.address)

    for name in NAMES:
        backend.says[name] = together
    assert 8 == len(read(Store([backend], clock=clock), NAMES))


class TestCtrlC:
    """What is interrupted leaves nothing behind that others would wait for in vain."""

    def test_in_the_midst_of_a_batch(self, store: Store, backend: BatchResolver) -> None:
        entered, gate = threading.Event(), threading.Event()
        backend.before_batch = held_up(entered, gate)

        def press() -> None:
            entered.wait(10)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        threading.Thread(target=press).start()
        started = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            store.get_many(NAMES)
        assert time.perf_counter() - started < 2
        gate.set()
        assert 8 == len(store.get_many(NAMES, timeout=5))
        assert 1 == len(backend.batches)

    def test_between_booking_and_departing(
        self, store: Store, backend: BatchResolver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        located = backend.locate

        def interrupted(name: str, **settings: Any) -> Location:
            if name == "n4":
                raise KeyboardInterrupt
            return located(name, **settings)

        monkeypatch.setattr(backend, "locate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.get_many(NAMES)
        monkeypatch.undo()
        started = time.perf_counter()
        assert 8 == len(store.get_many(NAMES, timeout=5))
        assert time.perf_counter() - started < 1

    async def test_a_cancelled_task(self, store: Store, backend: BatchResolver) -> None:
        gate = threading.Event()
        backend.before_batch = lambda: gate.wait(10)
        one, other = [asyncio.create_task(store.aget_many(NAMES)) for _ in range(2)]
        await asyncio.to_thread(eventually, lambda: backend.batches)
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        gate.set()
        assert 8 == len(await other)
        assert 1 == len(backend.batches)
