"""A backend that is down, hangs, refuses or is not what it says: what readers get, what it is asked, what is logged."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Sequence
from secrets import token_hex
from typing import Any

import pytest

from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    InvalidResponse,
    Reason,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
)
from secretsource.resolvers import Document
from tests.contract.worlds import MAX_STALE, TTL, WINDOW, World, down
from tests.fakes import Gate, Script, eventually, in_threads, outcome


@pytest.fixture
def world() -> World:
    world = World(stale_wait=0.3)
    world.rotate("a", "1")
    world.rotate("b", "1")
    world.store.get_many(["a", "b"])
    world.backend.calls.clear()
    return world


def attempts_in(world: World, seconds: int, *, names: Sequence[str] = "a") -> list[float]:
    """Read every name each second; return when the backend was asked."""
    asked: list[float] = []
    for _ in range(seconds):
        before = world.calls
        for name in names:
            world.store.get(name)
        world.settled()
        asked += [world.clock.now] * (world.calls - before)
        world.clock.advance(1)
    return asked


@pytest.mark.parametrize("answer", [down(), down(Reason.SEALED), down(Reason.THROTTLED), InvalidResponse()])
def test_the_old_value_stands_in_for_an_answer_that_is_none(world: World, answer: SecretSourceError) -> None:
    world.backend.says["a"] = answer
    world.clock.advance(TTL)
    assert ["1", "1", "1"] == [world.version() for _ in range(3)]
    assert world.store.get("a").stale


@pytest.mark.parametrize("answer", [ValueError("x"), ResolverError("x"), 7])
def test_what_no_outage_is_reaches_every_reader(world: World, answer: Script) -> None:
    world.backend.says["a"] = answer
    world.clock.advance(TTL)
    assert [ResolverError] * 3 == [type(outcome(world.version)) for _ in range(3)]


class TestAttempts:
    def test_they_are_further_and_further_apart_up_to_a_minute(self, world: World) -> None:
        world.backend.says["a"] = down()
        world.clock.advance(TTL)
        asked = attempts_in(world, 600)
        pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
        for number, pause in enumerate(pauses):  # the readers look each second: up to two are lost between
            nominal = min(2.0**number, 60)
            assert max(1, 0.8 * nominal) <= pause <= min(1.2 * nominal, 60) + 2
        assert len(pauses) >= 10

    def test_they_are_jittered(self) -> None:
        seen = set()
        for _ in range(6):
            world = World()
            for name in "abcdefgh"[: _ + 1]:  # other numbers of flights
                world.rotate(name, "1")
                world.store.get(name)
            world.backend.says["a"] = down()
            world.clock.advance(TTL)
            seen.add(tuple(attempts_in(world, 120)))
        assert len(seen) > 1

    def test_one_runs_at_a_time_while_it_hangs(self, world: World) -> None:
        world.backend.says["a"] = world.backend.says["b"] = down()
        world.clock.advance(TTL)
        world.store.get("a"), world.store.get("b")
        gate = Gate(down())
        world.backend.says["a"] = world.backend.says["b"] = gate
        world.backend.calls.clear()
        for _ in range(100):
            world.clock.advance(1)
            world.store.get("a"), world.store.get("b")
        gate.wait_until_entered()
        assert 1 == world.calls
        gate.open()

    def test_one_runs_at_a_time_also_when_somebody_asks_beside_it(self, world: World) -> None:
        world.backend.says["a"] = world.backend.says["b"] = down()
        world.clock.advance(TTL)
        world.store.get("a"), world.store.get("b")
        gate, other = Gate(down()), Gate(down())
        world.backend.says["a"] = gate
        world.clock.advance(3)
        world.store.get("a")
        gate.wait_until_entered()
        with pytest.raises(BackendUnavailable):
            world.store.get("b", refresh=True)
        world.backend.says["b"] = other
        for _ in range(20):
            world.clock.advance(10)
            world.store.get("b")
        assert not other.entered.acquire(timeout=0.2)
        gate.open()
        other.open()

    def test_a_crowd_makes_one(self, world: World) -> None:
        world.backend.says["a"] = down()
        world.clock.advance(TTL)
        world.store.get("a")
        world.settled()
        world.backend.calls.clear()
        world.clock.advance(1.5)
        gate = Gate(down())
        world.backend.says["a"] = gate
        secrets = in_threads(16, lambda: world.store.get("a").stale)
        gate.wait_until_entered()
        assert ({True}, 1) == (set(secrets), world.calls)
        gate.open()

    def test_what_the_backend_says_of_a_pause_is_kept(self, world: World) -> None:
        world.backend.says["a"] = BackendUnavailable(reason=Reason.THROTTLED, retry_after=30)
        world.clock.advance(TTL)
        asked = attempts_in(world, 29)
        assert 1 == len(asked)
        assert 1 == len(attempts_in(world, 5))

    def test_they_begin_in_the_window_already(self, world: World) -> None:
        world.backend.says["a"] = down()
        world.clock.advance(WINDOW)
        asked = attempts_in(world, 10)
        assert 2 <= len(asked) <= 5
        assert world.store.get("a").age < TTL

    def test_the_next_one_notices_that_it_is_back(self, world: World) -> None:
        world.backend.says["a"] = down()
        world.clock.advance(TTL)
        attempts_in(world, 20)
        world.rotate("a", "2")
        world.clock.advance(60)
        assert world.store.get("a").stale
        world.settled()
        secret = world.store.get("a")
        assert ("2", False) == (secret.version, secret.stale)

    def test_the_next_outage_starts_at_a_second_again(self, world: World) -> None:
        world.backend.says["a"] = down()
        world.clock.advance(TTL)
        attempts_in(world, 120)
        world.rotate("a", "2")
        world.clock.advance(60)
        attempts_in(world, 1)
        world.backend.says["a"] = down()
        world.clock.advance(TTL)
        asked = attempts_in(world, 4)
        assert asked[1] - asked[0] <= 2


class TestWaiting:
    def test_a_backend_that_hangs_costs_one_reader_the_stale_wait_and_the_next_nothing(
        self, world: World
    ) -> None:
        gate = Gate(down())
        world.backend.says["a"] = gate
        world.clock.advance(TTL)
        started = time.perf_counter()
        assert world.store.get("a").stale
        assert 0.25 < time.perf_counter() - started < 1
        started = time.perf_counter()
        for _ in range(20):
            world.clock.advance(2)
            assert world.store.get("a").stale
        assert time.perf_counter() - started < 0.15
        gate.open()

    def test_it_is_counted_from_the_start_of_the_fetch(self, world: World) -> None:
        gate = Gate(down())
        world.backend.says["a"] = gate
        world.clock.advance(WINDOW)
        world.store.get("a")
        gate.wait_until_entered()
        threading.Event().wait(0.3)
        world.clock.advance(TTL - WINDOW)
        started = time.perf_counter()
        assert world.store.get("a").stale
        assert time.perf_counter() - started < 0.15
        gate.open()

    def test_coroutines_are_served_alike(self, world: World) -> None:
        import asyncio

        gate = Gate(down())
        world.backend.says["a"] = gate
        world.clock.advance(TTL)

        async def crowd() -> set[bool]:
            return {
                secret.stale for secret in await asyncio.gather(*[world.store.aget("a") for _ in range(50)])
            }

        started = time.perf_counter()
        assert {True} == asyncio.run(crowd())
        assert time.perf_counter() - started < 1
        gate.open()

    def test_a_short_timeout_is_no_reason_to_fail(self, world: World) -> None:
        gate = Gate(down())
        world.backend.says["a"] = gate
        world.clock.advance(TTL)
        assert world.store.get("a", timeout=0.01).stale
        assert world.store.get("a", timeout=0).stale
        gate.open()

    def test_a_refresh_that_is_wanted_is_not_answered_by_an_old_value(self, world: World) -> None:
        world.backend.says["a"] = down()
        with pytest.raises(BackendUnavailable):
            world.store.get("a", refresh=True)
        assert not world.store.get("a").stale


class TestLostFetches:
    """A client library that does not come back, whatever its deadline."""

    def test_another_attempt_is_made_while_readers_come(self) -> None:
        world = World(stale_wait=0.02, timeout=0.2)
        world.rotate("a", "1")
        world.store.get("a")
        gate = Gate(down())
        world.backend.says["a"] = gate
        world.clock.advance(TTL)
        assert world.store.get("a").stale
        gate.wait_until_entered()
        world.rotate("a", "2")

        def is_back() -> bool:
            world.clock.advance(1.1)
            threading.Event().wait(0.02)  # its deadline is on the real clock
            return world.version() == "2"

        assert eventually(is_back, within=4)
        gate.open()

    def test_a_cold_name_is_asked_for_again_while_readers_come(self) -> None:
        world = World(timeout=0.2)
        gate = Gate(down())
        world.backend.says["a"] = gate
        threads: list[threading.Thread] = []

        def is_there() -> bool:
            threads.append(threading.Thread(target=lambda: outcome(world.version)))
            threads[-1].start()
            threading.Event().wait(0.05)
            return world.calls > 1

        assert eventually(is_there, within=4)
        gate.open()
        for thread in threads:
            thread.join(5)

    def test_its_late_answer_does_not_replace_a_newer_one(self) -> None:
        world = World(stale_wait=0.02, timeout=0.1)
        world.rotate("a", "1")
        world.store.get("a")
        gate = Gate(Document(value="x", version="late"))
        world.backend.says["a"] = gate
        world.clock.advance(TTL)
        assert world.store.get("a").stale
        gate.wait_until_entered()
        world.rotate("a", "3")
        assert "3" == world.store.get("a", refresh=True).version
        gate.open()
        threading.Event().wait(0.05)
        assert "3" == world.version()


@pytest.mark.parametrize("behind", [False, True], ids=["by the reader", "in the background"])
class TestNeverStale:
    def learn(self, world: World, answer: Script, behind: bool) -> None:
        world.backend.says["a"] = answer
        if behind:
            world.clock.advance(WINDOW)
            world.store.get("a")
            world.settled()
        else:
            world.clock.advance(TTL)
            outcome(world.version)

    def test_after_a_denial(self, world: World, behind: bool) -> None:
        self.learn(world, AccessDenied(), behind)
        world.backend.says["a"] = down()
        with pytest.raises(BackendUnavailable):
            world.store.get("a")

    def test_after_a_deletion(self, world: World, behind: bool) -> None:
        self.learn(world, None, behind)
        with pytest.raises(SecretNotFound):
            world.store.get("a")
        world.backend.says["a"] = down()
        for _ in range(3):
            world.clock.advance(5)
            with pytest.raises(BackendUnavailable):
                world.store.get("a")

    def test_after_a_failed_verification(self, world: World, behind: bool) -> None:
        self.learn(world, down(Reason.TLS), behind)
        world.clock.advance(TTL - WINDOW)
        world.backend.says["a"] = down()
        for _ in range(3):
            with pytest.raises(BackendUnavailable):
                world.store.get("a")
            world.clock.advance(5)

    def test_but_after_the_next_good_answer_it_may_be(self, world: World, behind: bool) -> None:
        self.learn(world, down(Reason.TLS), behind)
        world.rotate("a", "2")
        world.clock.advance(TTL)
        assert "2" == world.version()
        world.backend.says["a"] = down()
        world.clock.advance(TTL)
        assert world.store.get("a").stale


def test_a_denial_that_an_attempt_learns_ends_the_stale_value_at_once(world: World) -> None:
    world.backend.says["a"] = down()
    world.clock.advance(TTL)
    assert world.store.get("a").stale
    world.backend.says["a"] = AccessDenied()
    world.clock.advance(2)
    world.store.get("a")
    world.settled()
    with pytest.raises(AccessDenied):
        world.store.get("a")


class TestLog:
    def test_one_warning_and_one_line_at_the_end(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, "secretsource")
        world.backend.says["a"] = world.backend.says["b"] = down()
        world.clock.advance(TTL)
        attempts_in(world, 100, names="ab")
        assert [("secretsource", logging.WARNING)] == [each[:2] for each in caplog.record_tuples]
        world.rotate("a", "2")
        world.rotate("b", "2")
        world.clock.advance(60)
        attempts_in(world, 130, names="ab")
        assert [logging.WARNING, logging.INFO] == [each[1] for each in caplog.record_tuples]

    def test_each_outage_has_its_own(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, "secretsource")
        for version in "234":
            world.backend.says["a"] = down()
            world.clock.advance(TTL)
            attempts_in(world, 5)
            world.rotate("a", version)
            world.clock.advance(60)
            attempts_in(world, 1)
        assert [logging.WARNING, logging.INFO] * 3 == [each[1] for each in caplog.record_tuples]

    def test_single_documents_are_one_and_the_whole_link_is_another(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.backend.says["a"] = down()
        world.clock.advance(TTL)
        attempts_in(world, 120, names="ab")
        world.backend.says["b"] = down()
        attempts_in(world, 300, names="ab")
        assert [logging.WARNING] * 2 == [each.levelno for each in caplog.records]

    def test_a_link_that_answers_now_and_then_has_one_line_a_minute(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in "cdefghij":
            world.rotate(name, "1")
            world.store.get(name)
        world.backend.says["a"] = down()
        world.clock.advance(TTL)
        for name in "cdefghij":
            world.store.get("b", refresh=True)
            world.backend.says[name] = down()
            attempts_in(world, 10, names=["a", name])
        assert 2 >= len(caplog.records)

    def test_a_crowd_that_meets_it_writes_one_line(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.backend.says["a"] = world.backend.says["b"] = down()
        world.clock.advance(TTL)
        in_threads(16, lambda: (world.store.get("a"), world.store.get("b")))
        assert 1 == len(caplog.records)

    def test_there_is_no_value_in_it(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        world, value = World(), token_hex(8)
        world.backend.says["a"] = Document(value=value)
        world.store.get("a")
        world.backend.says["a"] = ValueError(value)
        world.clock.advance(WINDOW)
        world.store.get("a")
        world.settled()
        world.backend.says["a"] = down()
        world.clock.advance(TTL)
        outcome(world.version)
        assert caplog.records
        assert value not in caplog.text + repr([vars(each) for each in caplog.records])

    def test_it_names_the_link_and_the_reason(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        world.backend.says["a"] = down(Reason.DNS)
        world.clock.advance(TTL + MAX_STALE / 2)
        world.store.get("a")
        assert "fake: " in caplog.text
        assert "name" in caplog.text

    def test_a_fetch_of_what_was_never_there_is_no_outage_of_the_log(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.backend.says["new"] = down()
        outcome(lambda: world.store.get("new"))
        assert [] == caplog.records

    @pytest.mark.parametrize("answer", [down(Reason.TLS), ValueError("x")])
    def test_it_promises_no_old_values_where_none_are_used(
        self, world: World, answer: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.backend.says["a"] = answer
        world.clock.advance(WINDOW)
        world.store.get("a")
        world.settled()
        assert "until their ttl only" in caplog.text


class TestAfterATLSFailure:
    def test_nothing_that_was_found_before_it_is_linked_after_it(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.backend.says["a"] = down()
        world.clock.advance(TTL)
        world.store.get("a")  # from now on the old value is given at once
        world.clock.advance(3)
        cache, about_to_link, go_on = world.store._reads._cache, threading.Event(), threading.Event()
        link = cache.link

        def slow(*arguments: Any, **more: Any) -> None:
            about_to_link.set()
            assert go_on.wait(5)
            link(*arguments, **more)

        monkeypatch.setattr(cache, "link", slow)
        world.backend.says["a"] = down(Reason.TLS)
        reader = threading.Thread(target=lambda: outcome(world.version))
        reader.start()
        assert about_to_link.wait(5)
        monkeypatch.setattr(cache, "link", link)
        world.settled()
        go_on.set()
        reader.join(5)
        with pytest.raises(BackendUnavailable):
            world.store.get("a")


def test_a_failure_of_long_ago_keeps_nobody_from_asking(world: World) -> None:
    world.backend.says["a"] = down()
    world.clock.advance(WINDOW)
    world.store.get("a")
    world.settled()
    world.rotate("a", "2")
    world.clock.advance(TTL + 600)
    assert "2" == world.version()
