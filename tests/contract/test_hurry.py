"""Callers with less time than is usual: neither they nor those beside them are worse off than without them."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from secretsource import Secret
from secretsource.errors import DeadlineExceeded
from secretsource.resolvers import Deadline, Document, Location
from tests.contract.worlds import TTL, World
from tests.fakes import eventually, outcome

STALE_WAIT, TIMEOUT = 0.3, 1.5


class Slow:
    """A backend that answers after some time, or says that it was too late; None never answers."""

    def __init__(self) -> None:
        self.seconds: float | None = 0.0
        self.over = threading.Event()

    def __call__(self, location: Location, deadline: Deadline) -> object:
        left = deadline.remaining
        if self.over.wait(left if self.seconds is None else min(self.seconds, left)):
            return None
        if self.seconds is None or self.seconds >= left:
            raise DeadlineExceeded("no answer")
        return Document(value="x", version="1")


@pytest.fixture
def backend() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.over.set()


@pytest.fixture
def world(backend: Slow) -> World:
    world = World(stale_wait=STALE_WAIT, timeout=TIMEOUT)
    world.backend.says["a"] = backend
    world.store.get("a")
    world.clock.advance(TTL)
    return world


def test_one_who_waits_beside_it_takes_the_old_value_in_time_and_burns_nothing(
    world: World, backend: Slow
) -> None:
    backend.seconds = None
    hasty = threading.Thread(target=lambda: outcome(lambda: world.store.get("a", refresh=True, timeout=1.0)))
    hasty.start()
    assert eventually(lambda: 2 == world.calls)
    started, burnt = time.perf_counter(), time.process_time()
    assert world.store.get("a").stale
    assert time.perf_counter() - started < 0.8
    assert time.process_time() - burnt < 0.2
    hasty.join()


def test_the_event_loop_goes_on_beside_it(world: World, backend: Slow) -> None:
    backend.seconds = None

    async def main() -> tuple[Secret, int]:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.005)
                turns += 1

        hasty = asyncio.ensure_future(world.store.aget("a", refresh=True, timeout=1.0))
        turning = asyncio.ensure_future(turn())
        await asyncio.sleep(0.05)
        secret = await world.store.aget("a")
        turning.cancel()
        await asyncio.gather(hasty, return_exceptions=True)
        return secret, turns

    secret, turns = asyncio.run(main())
    assert secret.stale
    assert turns > 20


def test_a_backend_that_hangs_is_noticed_by_those_who_are_all_in_a_hurry(
    world: World, backend: Slow, caplog: pytest.LogCaptureFixture
) -> None:
    backend.seconds = None
    assert world.store.get("a", timeout=0.5).stale
    assert eventually(lambda: [logging.WARNING] == [each.levelno for each in caplog.records])
    started = time.perf_counter()
    assert world.store.get("a", timeout=0.5).stale
    assert time.perf_counter() - started < STALE_WAIT


@pytest.mark.parametrize("how", ["reject", "refresh", "get"])
def test_one_that_answers_is_not_taken_for_one_that_is_down(
    world: World, backend: Slow, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = world.store.get("a")
    backend.seconds = 0.25
    if how == "reject":
        outcome(lambda: world.store.reject(secret, timeout=0.05))
    else:
        outcome(lambda: world.store.get("a", refresh=how == "refresh", timeout=0.05))
    world.settled()
    world.clock.advance(TTL)
    assert not world.store.get("a").stale
    assert [] == caplog.records


def test_without_any_time_somebody_asks_all_the_same(world: World) -> None:
    assert world.store.get("a", timeout=0).stale
    assert eventually(lambda: 2 == world.calls)
    world.settled()
    assert not world.store.get("a", timeout=0).stale


def test_that_no_worker_was_free_says_nothing_of_a_backend(caplog: pytest.LogCaptureFixture) -> None:
    world = World(stale_wait=0.05, timeout=0.2, max_concurrency=1)
    gate = threading.Event()
    world.rotate("a", "1")
    world.store.get("a")
    world.clock.advance(TTL)
    world.backend.says["b"] = lambda location, deadline: gate.wait(5) and None
    hung = threading.Thread(target=lambda: outcome(lambda: world.store.get("b", timeout=5)))
    hung.start()
    assert eventually(lambda: 2 == world.calls)
    assert world.store.get("a").stale
    time.sleep(0.3)  # until its fetch is too late, by real time
    gate.set()
    hung.join()
    world.settled()
    assert [] == caplog.records
