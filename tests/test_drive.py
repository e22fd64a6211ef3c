"""Ways of waiting: deadlines of callers, hung backends, Ctrl-C and the end of the interpreter."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from secretsource._secret import Document
from secretsource._store import Store
from secretsource.errors import BackendUnavailable, DeadlineExceeded
from secretsource.resolvers import Deadline, Location
from tests.fakes import FakeResolver, Gate, in_threads, outcome, run_script
from tests.worker_threads import no_thread


def timed(call: Callable[[], object]) -> tuple[object, float]:
    start = time.monotonic()
    return outcome(call), time.monotonic() - start


class Hung:
    """Hangs, whatever the deadline says, until the test is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.calls = 0

    def __call__(self, location: Location, deadline: Deadline) -> Document:
        self.calls += 1
        self.over.wait(30)
        return Document(value="late")


@pytest.fixture
def hung() -> Iterator[Hung]:
    hung = Hung()
    yield hung
    hung.over.set()


def read(store: Store, name: str, how: str, timeout: float) -> object:
    """Read one name in each of the ways there are."""
    if how == "get":
        return store.get(name, timeout=timeout).value
    if how == "get_many":
        return store.get_many([name], timeout=timeout)[name].value
    if how == "aget":
        return asyncio.run(store.aget(name, timeout=timeout)).value
    return asyncio.run(store.aget_many([name], timeout=timeout))[name].value


WAYS = ["get", "get_many", "aget", "aget_many"]


class TestDeadline:
    @pytest.mark.parametrize("how", WAYS)
    def test_a_caller_is_back_at_its_deadline_although_the_backend_hangs(self, how: str, hung: Hung) -> None:
        backend = FakeResolver()
        backend.says["a"] = hung
        error, seconds = timed(lambda: read(Store([backend]), "a", how, 0.3))
        assert isinstance(error, DeadlineExceeded)
        assert 0.3 <= seconds < 0.8
        assert ("a", "fake", "a", "fake") == (error.name, error.resolver, error.location, error.steps[0].link)

    @pytest.mark.parametrize("how", WAYS)
    def test_a_link_that_hangs_and_may_be_passed_over_leaves_time_for_the_next(
        self, how: str, hung: Hung
    ) -> None:
        from secretsource import Link

        one, two = FakeResolver("one"), FakeResolver("two")
        one.says["a"] = hung
        two.says["a"] = Document(value="x")
        value, seconds = timed(lambda: read(Store([Link(one, on_unavailable="next"), two]), "a", how, 0.8))
        assert "x" == value
        assert 0.4 <= seconds < 0.8

    @pytest.mark.timed
    def test_the_link_that_hung_is_told_with_the_time_it_took(self, hung: Hung) -> None:
        backend = FakeResolver()
        backend.says["a"] = hung
        [step] = Store([backend]).explain("a", timeout=0.3).steps
        assert 0.3 <= step.seconds < 0.8
        assert step.detail.startswith("waited for 0.")

    def test_what_the_resolver_says_of_the_deadline_is_waited_for(self) -> None:
        def too_late(_: Location, deadline: Deadline) -> Document:
            time.sleep(deadline.remaining + 0.02)
            raise DeadlineExceeded("127.0.0.1:1")

        backend = FakeResolver()
        backend.says["a"] = too_late
        [step] = Store([backend]).explain("a", timeout=0.2).steps
        assert "127.0.0.1:1" == step.detail

    @pytest.mark.parametrize("how", WAYS)
    def test_the_deadline_is_one_for_the_whole_chain(self, how: str, hung: Hung) -> None:
        from secretsource import Link

        one, two = FakeResolver("one"), FakeResolver("two")
        one.says["a"] = two.says["a"] = hung
        chain = [Link(one, on_unavailable="next"), Link(two, on_unavailable="next")]
        error, seconds = timed(lambda: read(Store(chain), "a", how, 0.3))
        assert isinstance(error, DeadlineExceeded)
        assert seconds < 0.8
        assert ["one", "two"] == [step.link for step in error.steps]
        assert 1 == hung.calls

    def test_callers_of_one_fetch_are_released_each_at_its_own_deadline(self, hung: Hung) -> None:
        backend = FakeResolver()
        backend.says["a"] = hung
        store = Store([backend])
        patient: list[object] = []
        thread = threading.Thread(target=lambda: patient.append(store.get("a", timeout=10).value))
        thread.start()
        error, seconds = timed(lambda: store.get("a", timeout=0.1))
        assert isinstance(error, DeadlineExceeded)
        assert seconds < 0.6
        hung.over.set()
        thread.join(10)
        assert ["late"] == patient
        assert 1 == hung.calls

    def test_a_patient_caller_extends_the_fetch_of_an_impatient_one(self) -> None:
        backend = FakeResolver()
        asked = threading.Event()

        def fetch(location: Location, deadline: Deadline) -> Document:
            asked.set()
            while not deadline.expired:
                time.sleep(0.01)
                if deadline.remaining > 5:
                    return Document(value="extended")
            raise BackendUnavailable("the deadline was not extended")

        backend.says["a"] = fetch
        store = Store([backend])
        impatient = threading.Thread(target=lambda: outcome(lambda: store.get("a", timeout=0.5)))
        impatient.start()
        assert asked.wait(5)
        assert "extended" == store.get("a", timeout=10).value
        impatient.join(10)

    def test_what_arrives_after_the_caller_has_gone_is_kept_for_the_next(self, hung: Hung) -> None:
        backend = FakeResolver()
        backend.says["a"] = hung
        store = Store([backend])
        with pytest.raises(DeadlineExceeded):
            store.get("a", timeout=0.05)
        hung.over.set()
        assert "late" == store.get("a").value
        assert 1 == hung.calls

    @pytest.mark.parametrize("how", WAYS)
    def test_a_wait_without_end_is_possible(self, how: str) -> None:
        backend = FakeResolver()
        backend.says["a"] = Document(value="any")
        assert "any" == read(Store([backend]), "a", how, float("inf"))


class TestHungBackend:
    def test_it_blocks_no_other_name_until_every_worker_hangs(self, hung: Hung) -> None:
        backend = FakeResolver()
        backend.says |= {"h1": hung, "h2": hung, "well": Document(value="any"), "late": Document(value="any")}
        store = Store([backend], max_concurrency=3)
        for name in ("h1", "h2"):
            with pytest.raises(DeadlineExceeded):
                store.get(name, timeout=0.05)
        assert "any" == store.get("well", timeout=5).value
        backend.says["h3"] = hung
        with pytest.raises(DeadlineExceeded):
            store.get("h3", timeout=0.05)
        with pytest.raises(DeadlineExceeded):
            store.get("late", timeout=0.05)
        hung.over.set()
        assert "any" == store.get("late", timeout=5).value

    def test_a_fetch_whose_deadline_passes_while_it_waits_for_a_worker_is_not_started(
        self, hung: Hung
    ) -> None:
        backend = FakeResolver()
        backend.says |= {"h": hung, "a": Document(value="any"), "b": Document(value="any")}
        store = Store([backend], max_concurrency=1)
        for name in ("h", "a"):
            with pytest.raises(DeadlineExceeded):
                store.get(name, timeout=0.05)
        hung.over.set()
        assert "any" == store.get("b", timeout=5).value
        assert ["h", "b"] == [call.address for call in backend.calls]

    def test_readers_of_a_hung_document_do_not_use_up_the_workers(self, hung: Hung) -> None:
        backend = FakeResolver()
        backend.says |= {"h": hung, "well": Document(value="any")}
        store = Store([backend], max_concurrency=2)
        for _ in range(5):
            with pytest.raises(DeadlineExceeded):
                store.get("h", timeout=0.02)
        assert 1 == hung.calls
        assert "any" == store.get("well", timeout=5).value


class TestMany:
    def test_fetches_of_many_names_run_side_by_side(self) -> None:
        barrier = threading.Barrier(8)
        backend = FakeResolver()
        names = [f"n{number}" for number in range(8)]
        for name in names:
            backend.says[name] = lambda where, _: (barrier.wait(10), Document(value=where.address))[1]
        store = Store([backend])
        assert names == [each.value for each in store.get_many(names).values()]
        barrier.reset()
        assert names == [each.value for each in asyncio.run(store.aget_many(names, refresh=True)).values()]

    @pytest.mark.parametrize("many", [True, False])
    def test_the_first_failure_is_raised_and_names_the_others(self, many: bool) -> None:
        backend = FakeResolver()
        backend.says |= {"b": BackendUnavailable("down"), "d": Document(value="any")}
        store = Store([backend])
        names = ["d", "b", "missing", "d"]
        with pytest.raises(BackendUnavailable, match="down") as caught:
            store.get_many(names) if many else asyncio.run(store.aget_many(names))
        assert [
            "also: 'missing' was not found; asked:\n  1. fake at missing: not there"
        ] == caught.value.__notes__
        assert 1 == [call.address for call in backend.calls].count("d")
        store.get("d")
        assert 1 == [call.address for call in backend.calls].count("d")

    def test_many_names_go_through_a_chain_each_at_its_own_pace(self) -> None:
        one, two = FakeResolver("one"), FakeResolver("two")
        one.says["a"] = gate = Gate(Document(value="one"))
        two.says["b"] = lambda *_: (gate.open(), Document(value="two"))[1]
        assert ["one", "two"] == [each.value for each in Store([one, two]).get_many(["a", "b"]).values()]


def test_threads_and_their_number_are_bounded_under_a_crowd() -> None:
    most, lock, running = [0], threading.Lock(), [0]

    def fetch(location: Location, deadline: Deadline) -> Document:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.005)
        with lock:
            running[0] -= 1
        return Document(value=location.address)

    backend = FakeResolver()
    names = [f"n{number}" for number in range(30)]
    backend.says |= dict.fromkeys(names, fetch)
    store = Store([backend], max_concurrency=4)
    results = in_threads(8, lambda: [each.value for each in store.get_many(names).values()])
    assert [names] * 8 == results
    assert most[0] <= 4
    assert 30 == len(backend.calls)


HEAD = """
import atexit, os, signal, sys, threading, time
from secretsource import Store, BackendUnavailable, SecretSourceError
from secretsource.resolvers import Document
from tests.fakes import FakeResolver
backend = FakeResolver()
backend.says["warm"] = Document(value="value")
backend.says["cold"] = Document(value="value")
backend.says["hung"] = lambda *_: time.sleep(60)
store = Store([backend])
"""


class TestProcess:
    def test_ctrl_c_ends_a_wait_within_200_ms_and_the_next_read_works(self) -> None:
        done = run_script(
            HEAD
            + """
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
def press():
    time.sleep(0.3)
    pressed.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)
pressed = []
threading.Thread(target=press, daemon=True).start()
try:
    store.get("hung")
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - pressed[0] < 0.2)
print(store.get("warm").value)
"""
        )
        assert ("interrupted True\nvalue\n", "", 0) == (done.stdout, done.stderr, done.returncode)

    def test_a_hung_fetch_does_not_delay_the_exit(self) -> None:
        start = time.monotonic()
        done = run_script(
            HEAD
            + """
try:
    store.get("hung", timeout=0.1)
except BackendUnavailable as error:
    print(type(error).__name__)
"""
        )
        assert ("DeadlineExceeded\n", "", 0) == (done.stdout, done.stderr, done.returncode)
        assert time.monotonic() - start < 5

    def test_at_exit_a_warm_read_works_and_a_cold_one_works_or_says_why(self) -> None:
        done = run_script(
            HEAD
            + """
def leave():
    start = time.monotonic()
    print(store.get("warm").value)
    try:
        print(store.get("cold").value)
    except BackendUnavailable:
        print("value")
    print(time.monotonic() - start < 2)
store.get("warm")
atexit.register(leave)
"""
        )
        assert ("value\nvalue\nTrue\n", "", 0) == (done.stdout, done.stderr, done.returncode)

    def test_at_exit_a_cold_read_does_not_wait_for_a_worker_that_hangs(self) -> None:
        done = run_script(
            HEAD
            + """
def leave():
    start = time.monotonic()
    try:
        store.get("cold")
    except BackendUnavailable:
        pass
    print(time.monotonic() - start < 2)
atexit.register(leave)
try:
    store.get("hung", timeout=0.1)
except BackendUnavailable:
    pass
"""
        )
        assert ("True\n", "", 0) == (done.stdout, done.stderr, done.returncode)

    def test_where_no_thread_can_be_started_a_cold_read_is_unavailable_and_a_stale_value_is_served(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tests.fakes import FakeClock

        backend, clock = FakeResolver(), FakeClock()
        backend.says |= {"a": Document(value="warm"), "b": Document(value="cold")}
        store = Store([backend], clock=clock)
        Store([backend], clock=clock)
        store.get("a")
        cold = Store([backend], clock=clock)
        monkeypatch.setattr(threading.Thread, "start", no_thread)
        for how in WAYS:
            with pytest.raises(BackendUnavailable, match="no thread can be started") as caught:
                read(cold, "b", how, 5)
            assert caught.value.__context__ is None
        assert "warm" == store.get("a").value
        assert ["a"] == [call.address for call in backend.calls]
