"""Being told of a change: once, in order, on another thread than the readers'."""

from __future__ import annotations

import gc
import itertools
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from secrets import token_hex
from typing import Any, NamedTuple

import pytest

from secretsource import InvalidReference, Link, Secret, Store, _rotation
from secretsource._keys import DocumentKey, document_key
from secretsource._rotation import _is_newer
from secretsource.errors import AccessDenied
from secretsource.resolvers import Document
from tests.contract.worlds import NEGATIVE_TTL, TTL, WINDOW, World, down
from tests.fakes import FakeClock, FakeResolver, Gate, eventually, in_threads, outcome, run_script


class Told:
    """A callback that remembers."""

    def __init__(self) -> None:
        self.changes: list[tuple[str | None, str | None]] = []
        self.threads: set[threading.Thread] = set()
        self.secrets: list[tuple[Secret, Secret]] = []

    def __call__(self, old: Secret, new: Secret) -> None:
        self.changes.append((old.version, new.version))
        self.threads.add(threading.current_thread())
        self.secrets.append((old, new))

    def is_told(self, *changes: tuple[str, str]) -> bool:
        return eventually(lambda: self.changes == list(changes), within=3) and not self.more()

    def more(self) -> bool:
        """Whether anything comes a little later."""
        before = len(self.changes)
        threading.Event().wait(0.03)
        return len(self.changes) > before


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.rotate("a", "1")
    yield world
    world.store.close()


def watching(
    world: World, name: str = "a", callback: Callable[[Secret, Secret], object] | None = None
) -> Told:
    """Watch a name, and wait until the store knows its version of now."""
    told = Told()
    world.store.on_rotation(name, callback or told)
    rotations = world.store._rotations
    assert eventually(lambda: rotations._watches[name].secret is not None), "the store did not look"
    return told


class Moved(NamedTuple):
    """A world in which a secret that is watched has just come up in the link in front too."""

    world: World
    front: FakeResolver
    told: Told


@pytest.fixture
def moved() -> Iterator[Moved]:
    front, back = FakeResolver("front"), FakeResolver("back")
    world = World(front, back)
    back.says["a"] = Document(value="x", version="1")
    told = watching(world)
    front.says["a"] = Document(value="x", version="2")
    world.clock.advance(NEGATIVE_TTL)
    world.store.get("a")
    yield Moved(world, front, told)
    world.store.close()


def rotation_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "secretsource-rotation"]


class TestHowAChangeIsNoticed:
    def test_by_a_read_that_asks(self, world: World) -> None:
        told = watching(world)
        world.change("a", "2")
        assert told.is_told(("1", "2"))

    @pytest.mark.parametrize("age", [WINDOW, TTL], ids=["behind a reader", "who waits"])
    def test_by_a_reader_when_it_is_due(self, world: World, age: float) -> None:
        told = watching(world)
        world.rotate("a", "2")
        world.clock.advance(age)
        world.store.get("a")
        assert told.is_told(("1", "2"))

    def test_by_a_rejection(self, world: World) -> None:
        told = watching(world)
        secret = world.store.get("a")
        world.rotate("a", "2")
        world.store.reject(secret)
        assert told.is_told(("1", "2"))

    def test_by_nobody_but_the_store(self, world: World) -> None:
        told = watching(world)
        world.rotate("a", "2")
        world.clock.advance(TTL)
        assert told.is_told(("1", "2"))

    def test_before_a_lease_is_over_however_short_it_is(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_rotation, "_LOOK_EVERY", 60.0)
        lease = 1.6
        world.backend.says["a"] = Document(value="x", version="1", lease=lease)
        told = watching(world)
        world.backend.says["a"] = Document(value="y", version="2", lease=lease)
        world.clock.advance(0.8 * lease)
        assert told.is_told(("1", "2"))

    def test_by_the_readers_of_another_name_of_the_document(self) -> None:
        backend = FakeResolver(fields=True)
        world = World(backend)
        backend.says["db"] = Document(fields={"user": "x", "password": "y"}, version="1")
        told = watching(world, "db/password")
        backend.says["db"] = Document(fields={"user": "x", "password": "z"}, version="2")
        world.store.get("db/user", refresh=True)
        assert told.is_told(("1", "2"))
        backend.says["db"] = Document(fields={"user": "x", "password": "zz"}, version="3")
        world.store.get_fields("db", refresh=True)
        assert told.is_told(("1", "2"), ("2", "3"))
        world.store.close()

    def test_when_the_value_was_in_the_cache_before_anybody_watched(self, world: World) -> None:
        world.store.get("a")
        told = Told()
        world.store.on_rotation("a", told)
        threading.Event().wait(0.1)
        world.change("a", "2")
        assert told.is_told(("1", "2"))

    def test_when_the_secret_moves_to_a_link_in_front(self, moved: Moved) -> None:
        assert moved.told.is_told(("1", "2"))
        assert ("back", "front") == tuple(each.source for each in moved.told.secrets[0])

    def test_when_it_moves_back_to_where_it_was_before(self, moved: Moved) -> None:
        store = moved.world.store
        moved.front.says["a"] = None
        moved.world.clock.advance(WINDOW)
        store.get("a")
        assert eventually(lambda: store.get("a").version == "1")
        assert moved.told.is_told(("1", "2"), ("2", "1"))

    def test_from_the_moment_on_in_which_every_link_was_asked(self) -> None:
        """The store waits for no second look, however many links there are."""
        chain = [FakeResolver(f"link{number}") for number in range(5)]
        world = World(*chain)
        chain[-1].says["a"] = Document(value="x", version="1")
        world.store.on_rotation("a", Told())
        watch = world.store._rotations._watches["a"]
        assert eventually(lambda: watch.secret is not None, within=0.9)
        world.store.close()

    def test_after_it_was_away_for_a_while(self, world: World) -> None:
        told = watching(world)
        for answer in (None, AccessDenied(), down()):
            world.backend.says["a"] = answer
            world.clock.advance(TTL + 900)
            outcome(world.version)
        assert told.is_told()
        world.rotate("a", "2")
        world.clock.advance(NEGATIVE_TTL)
        world.store.get("a")
        assert told.is_told(("1", "2"))

    def test_a_value_that_changes_under_the_same_version_is_a_change(self, world: World) -> None:
        told = watching(world)
        world.change("a", "1")
        assert told.is_told(("1", "1"))

    def test_the_same_answer_again_is_none(self, world: World) -> None:
        told = watching(world)
        for _ in range(10):
            world.store.get("a", refresh=True)
        assert told.is_told()

    def test_a_change_of_another_field_without_versions_is_none(self) -> None:
        backend = FakeResolver(fields=True)
        world = World(backend)
        backend.says["db"] = Document(fields={"user": "x", "password": "y"})
        told = watching(world, "db/password")
        backend.says["db"] = Document(fields={"user": "z", "password": "y"})
        world.store.get("db/user", refresh=True)
        assert told.is_told()
        world.store.close()


class TestCallbacks:
    def test_each_change_is_told_once_and_in_order(self, world: World) -> None:
        told = watching(world)
        versions = [str(number) for number in range(1, 40)]
        for version in versions[1:]:
            world.rotate("a", version)
            in_threads(4, lambda: world.store.get("a", refresh=True))
        assert told.is_told(*itertools.pairwise(versions))

    def test_they_run_on_no_readers_thread(self, world: World) -> None:
        told = watching(world)
        world.change("a", "2")
        assert told.is_told(("1", "2"))
        assert {"secretsource-rotation"} == {thread.name for thread in told.threads}

    def test_a_slow_one_holds_up_no_reader(self, world: World) -> None:
        going = threading.Event()
        watching(world, callback=lambda old, new: going.wait(10))
        for version in "23456":
            world.rotate("a", version)
            assert version == world.store.get("a", refresh=True, timeout=1).version
        going.set()

    def test_one_that_raises_hurts_nobody(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        value = world.rotate("a", "1")

        def fails(old: Secret, new: Secret) -> None:
            raise ValueError(old.value + new.value)

        told = watching(world)
        world.store.on_rotation("a", fails)
        world.store.on_rotation("a", after := Told())
        newer = world.rotate("a", "2")
        assert "2" == world.store.get("a", refresh=True).version
        world.change("a", "3")
        for each in (told, after):
            assert each.is_told(("1", "2"), ("2", "3"))
        assert [logging.ERROR] * 2 == [each.levelno for each in caplog.records]
        assert all(word in caplog.text for word in ("fails", "'a'", "ValueError", "test_rotation.py"))
        said = caplog.text + repr([vars(each) for each in caplog.records])
        assert not [each for each in (value, newer) if each in said]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
    def test_whatever_it_raises(self, world: World, error: type[BaseException]) -> None:
        def fails(old: Secret, new: Secret) -> None:
            raise error

        world.store.on_rotation("a", fails)
        told = watching(world)
        for version in "23":
            world.change("a", version)
        assert told.is_told(("1", "2"), ("2", "3"))

    def test_one_may_read_watch_and_stop(self, world: World) -> None:
        seen: list[str | None] = []
        stops: list[Callable[[], None]] = []

        def callback(old: Secret, new: Secret) -> None:
            seen.append(world.store.get("a").version)
            stops.append(world.store.on_rotation("a", lambda old, new: None))
            stops[0]()

        stops.append(world.store.on_rotation("a", callback))
        told = watching(world)
        for version in "23":
            world.change("a", version)
            assert told.is_told(*itertools.pairwise("123"[: int(version)]))
        assert ["2"] == seen

    def test_two_names_are_told_apart(self, world: World) -> None:
        world.rotate("b", "1")
        a, b = watching(world), watching(world, "b")
        world.change("b", "2")
        assert b.is_told(("1", "2"))
        assert a.is_told()

    def test_a_name_whose_backend_hangs_holds_up_no_other(self, world: World) -> None:
        told = watching(world)
        gate = Gate(down())
        world.backend.says["hangs"] = gate
        world.store.on_rotation("hangs", Told())
        gate.wait_until_entered()
        world.change("a", "2")
        assert told.is_told(("1", "2"))
        gate.open()

    @pytest.mark.parametrize("wrong", [None, "print", 7, Document(value="x")])
    def test_what_cannot_be_called_is_refused_at_once(self, world: World, wrong: Any) -> None:
        with pytest.raises(TypeError, match="callback must be a function of the old and the new secret"):
            world.store.on_rotation("a", wrong)
        assert not world.store._rotations._watches

    def test_one_that_comes_later_is_told_of_no_earlier_change(self, world: World) -> None:
        entered, gate = threading.Event(), threading.Event()
        world.store.on_rotation("a", lambda old, new: (entered.set(), gate.wait(5)))
        watching(world)
        world.change("a", "2")
        assert entered.wait(5)
        world.change("a", "3")
        world.store.on_rotation("a", told := Told())
        gate.set()
        assert told.is_told()
        world.change("a", "4")
        assert told.is_told(("3", "4"))

    def test_one_that_is_slow_is_waited_for_also_after_close(self, world: World) -> None:
        entered, gate, told = threading.Event(), threading.Event(), list[str]()

        def slow(old: Secret, new: Secret) -> None:
            told.append(f"begin {new.version}")
            entered.set()
            if new.version == "2":
                gate.wait(5)
            told.append(f"end {new.version}")

        watching(world, callback=slow)
        world.change("a", "2")
        assert entered.wait(5)
        world.store.close()
        world.store.get("a")
        world.change("a", "3")
        time.sleep(0.1)
        gate.set()
        assert eventually(lambda: ["begin 2", "end 2", "begin 3", "end 3"] == told)

    def test_a_coroutine_function_too_as_nobody_would_await_it(self, world: World) -> None:
        async def callback(old: Secret, new: Secret) -> None:
            raise AssertionError("nobody awaits it")

        class Callback:
            async def __call__(self, old: Secret, new: Secret) -> None:
                await callback(old, new)

        for wrong in (callback, Callback(), partial(callback)):
            with pytest.raises(TypeError, match=r"plain function.*call_soon_threadsafe"):
                world.store.on_rotation("a", wrong)

    def test_a_wrong_name_is_told_at_once(self, world: World) -> None:
        with pytest.raises(InvalidReference):
            world.store.on_rotation("not a name", Told())


class TestStop:
    def test_nothing_is_told_afterwards(self, world: World) -> None:
        told, other = Told(), watching(world)
        stop = world.store.on_rotation("a", told)
        stop()
        world.change("a", "2")
        assert other.is_told(("1", "2"))
        assert told.is_told()

    def test_twice_stops_no_other(self, world: World) -> None:
        told = watching(world)
        stop = world.store.on_rotation("a", told)
        stop()
        stop()
        world.change("a", "2")
        assert told.is_told(("1", "2"))

    def test_it_may_be_done_by_a_finalizer_in_the_middle_of_a_look(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("b", "c"):
            world.rotate(name, "1")
        stop = world.store.on_rotation("a", Told())
        told = watching(world, "b")
        rotations = world.store._rotations
        monkeypatch.setattr(rotations._watches["a"], "is_due", lambda now: bool(stop()))
        assert eventually(lambda: "a" not in rotations._watches)
        world.change("b", "2")
        assert told.is_told(("1", "2"))

    def test_the_last_one_ends_the_thread(self, world: World) -> None:
        before = set(rotation_threads())  # of stores before this one; they may end at any time
        stop = world.store.on_rotation("a", Told())
        assert set(rotation_threads()) - before
        stop()
        assert eventually(lambda: before >= set(rotation_threads()))

    def test_one_can_be_started_again(self, world: World) -> None:
        world.store.on_rotation("a", Told())()
        told = watching(world)
        world.change("a", "2")
        assert told.is_told(("1", "2"))


class TestTheStore:
    def test_without_a_watch_there_is_no_thread(self, world: World) -> None:
        before = set(rotation_threads())
        world.store.get("a")
        world.store.get("a", refresh=True)
        assert before >= set(rotation_threads())

    def test_closed_it_goes_on_with_the_next_read(self, world: World) -> None:
        told = watching(world)
        world.store.close()
        world.rotate("a", "2")
        world.store.get("a")  # every value was forgotten, so this one is what the next is compared with
        world.change("a", "3")
        assert told.is_told(("2", "3"))

    def test_closed_it_reads_no_more(self, world: World) -> None:
        watching(world)
        before = set(rotation_threads())
        world.store.close()
        assert eventually(lambda: not any(thread.is_alive() for thread in before))
        assert 1 == world.calls

    def test_dropped_it_is_collected_with_its_thread(self) -> None:
        before = set(rotation_threads())
        backend = FakeResolver()
        backend.says["a"] = Document(value="x")
        store = Store([backend], clock=FakeClock())
        store.on_rotation("a", Told())
        assert eventually(lambda: backend.calls)
        known = weakref.ref(store)
        del store
        assert eventually(lambda: gc.collect() is None or known() is None)
        assert eventually(lambda: set(rotation_threads()) <= before)

    def test_what_it_cannot_read_is_tried_again(self, world: World) -> None:
        world.backend.says["new"] = down()
        told = Told()
        world.store.on_rotation("new", told)
        assert eventually(lambda: len(world.backend.calls) >= 2)
        assert told.is_told()

    def test_an_invalidation_hides_no_change(self, world: World) -> None:
        told = watching(world)
        world.rotate("a", "2")
        world.store.invalidate()
        world.store.get("a")
        assert told.is_told(("1", "2"))


def test_a_child_tells_its_own_changes_once() -> None:
    done = run_script(
        """
import os, time, warnings
from secretsource import Store
from secretsource.resolvers import Document
from tests.fakes import FakeClock, FakeResolver, eventually
warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
backend = FakeResolver()
backend.says["a"] = Document(value="x", version="1")
store, told = Store([backend], clock=FakeClock()), []
store.on_rotation("a", lambda old, new: told.append((os.getpid(), old.version, new.version)))
assert eventually(lambda: store._rotations._watches["a"].secret is not None)
pid = os.fork()
backend.says["a"] = Document(value="y", version="2")
store.get("a", refresh=True)
assert eventually(lambda: told), "nothing was told"
time.sleep(0.05)
assert [(os.getpid(), "1", "2")] == told, told
if pid == 0:
    os._exit(0)
print(os.waitpid(pid, 0)[1], flush=True)
"""
    )
    assert ("0\n", "", 0) == (done.stdout, done.stderr, done.returncode)


def test_a_storm_is_told_without_a_gap(world: World) -> None:
    told = watching(world)
    over = threading.Event()

    def storm() -> None:
        for number in range(2, 300):
            world.backend.says["a"] = Document(value=token_hex(4), version=str(number))
            if number % 3 == 0:
                world.store.get("a", refresh=True)
        over.set()

    def readers() -> None:
        while not over.is_set():
            world.store.get("a", refresh=True)

    threading.Thread(target=storm).start()
    in_threads(4, readers)
    last = world.store.get("a", refresh=True).version
    assert eventually(lambda: told.changes[-1][1] == last)
    numbers = [int(new or 0) for _, new in told.changes]
    assert sorted(set(numbers)) == numbers
    assert all(one[1] == other[0] for one, other in itertools.pairwise(told.changes))


class TestWhichWalkIsNewer:
    """A walk says which flight each link's answer came with; the first link that both have seen differently decides."""

    A, B = (document_key(link, "x") for link in "ab")

    @pytest.mark.parametrize(
        ("numbers", "known", "expected"),
        [
            ({}, {}, False),
            ({A: 1}, {}, True),
            ({A: 1}, {A: 1}, False),
            ({A: 2}, {A: 1}, True),
            ({A: 1, B: 9}, {A: 3}, False),  # a slow reader, who knows less of the link in front
            ({A: 4, B: 2}, {A: 3}, True),
            ({A: 3, B: 9}, {A: 3}, True),
            ({B: 9}, {A: 3}, True),  # the link in front was passed over
            ({B: 2}, {A: 3}, False),
        ],
    )
    def test_it_is(
        self, numbers: dict[DocumentKey, int], known: dict[DocumentKey, int], expected: bool
    ) -> None:
        assert _is_newer(numbers, known) is expected

    def test_a_slow_reader_tells_of_no_older_state(self) -> None:
        front, back = FakeResolver("front"), FakeResolver("back")
        world, told = World(front, Link(back, ttl=1.0)), Told()
        back.says["a"] = document = Document(value="x", version="1")
        world.store.get("a")
        world.store.on_rotation("a", told)
        rotations = world.store._rotations
        assert eventually(lambda: rotations._watches["a"].secret is not None)
        rotations._watches["a"].due = float("inf")  # the store itself looks no more: the order is certain
        gate = Gate(document)
        back.says["a"] = gate
        front.says["a"] = Document(value="x", version="2")
        world.clock.advance(
            0.95 * NEGATIVE_TTL
        )  # of the link in front; its answer is refreshed behind the reader
        slow = threading.Thread(target=lambda: world.store.get("a"))
        slow.start()
        gate.wait_until_entered()
        assert eventually(lambda: "front" == world.store.get("a").source)
        assert told.is_told(("1", "2"))
        gate.open()
        slow.join(5)
        assert told.is_told(("1", "2"))
        world.store.close()
