"""Threads and coroutines that make one request after the other, and what came of them."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    suppress,
)
from dataclasses import dataclass, field

PAUSE = 0.1  # seconds between two requests of one worker, on average

Request = Callable[[], object]
ARequest = Callable[[], Awaitable[object]]
Client = Callable[[], AbstractContextManager[Request]]
AClient = Callable[[], AbstractAsyncContextManager[ARequest]]


@dataclass(frozen=True, slots=True)
class Load:
    """How many workers, and for how long.

    Attributes:
        threads: Threads in all, shared out among the clients.
        coroutines: Coroutines in all, on one event loop, shared out likewise.
        seconds: How long they work.
        every: Seconds between two rotations.
    """

    threads: int = 16
    coroutines: int = 200
    seconds: float = 60.0
    every: float = 5.0


@dataclass(slots=True)
class Outcome:
    """What the application has seen.

    Attributes:
        requests: How many ended, well or not.
        failed: How many failed, by the name of the exception.
        slowest: Seconds of the slowest one.
        rotations: How often the password changed meanwhile.
    """

    requests: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    rotations: int = 0

    def note(self, seconds: float, error: Exception | None) -> None:
        """Take note of one request."""
        self.requests += 1
        self.slowest = max(self.slowest, seconds)
        if error is not None:
            self.failed[type(error).__name__] += 1

    def add(self, other: Outcome) -> None:
        """Add what other workers have seen."""
        self.requests += other.requests
        self.failed += other.failed
        self.slowest = max(self.slowest, other.slowest)


def run(
    load: Load, clients: Sequence[Client], aclients: Sequence[AClient], rotate: Callable[[], object]
) -> Outcome:
    """Let the workers work while *rotate* is called again and again, and return what they have seen.

    Args:
        load: How many, and for how long.
        clients: Each gives a request to its threads.
        aclients: Each gives one to its coroutines.
        rotate: Changes the password, at both of its places.
    """
    outcomes: list[Outcome] = []
    whole = Outcome()
    with ExitStack() as stack:
        requests = [stack.enter_context(client()) for client in clients]
        ready = threading.Barrier(load.threads + 2)
        ended = threading.Event()
        workers = [
            threading.Thread(
                target=_work, args=(requests[number % len(requests)], ready, ended, outcomes), daemon=True
            )
            for number in range(load.threads)
        ]
        failures: list[BaseException] = []

        def in_a_loop() -> None:
            try:
                asyncio.run(_awork(load, aclients, ready, ended, outcomes))
            except BaseException as error:
                failures.append(error)
                ready.abort()

        workers.append(threading.Thread(target=in_a_loop, daemon=True))
        for worker in workers:
            worker.start()
        with suppress(threading.BrokenBarrierError):
            ready.wait(60)
        if failures:
            ended.set()
            raise failures[0]
        end = time.monotonic() + load.seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, load.every))
            if end - time.monotonic() > 0:
                rotate()
                whole.rotations += 1
        ended.set()
        for worker in workers:
            worker.join(60)
            if worker.is_alive():
                whole.note(60.0, TimeoutError())
    if failures:
        raise failures[0]
    for outcome in outcomes:
        whole.add(outcome)
    return whole


def _work(
    request: Request, ready: threading.Barrier, ended: threading.Event, outcomes: list[Outcome]
) -> None:
    outcome = Outcome()
    outcomes.append(outcome)
    with suppress(threading.BrokenBarrierError):  # the coroutines could not begin
        ready.wait(60)
    while not ended.is_set():
        begin, failure = time.perf_counter(), None
        try:
            request()
        except Exception as error:
            failure = error
        outcome.note(time.perf_counter() - begin, failure)
        time.sleep(_pause())


async def _awork(
    load: Load,
    aclients: Sequence[AClient],
    ready: threading.Barrier,
    ended: threading.Event,
    outcomes: list[Outcome],
) -> None:
    outcome = Outcome()
    outcomes.append(outcome)

    async def work(request: ARequest) -> None:
        await asyncio.sleep(_apart(load))  # or all would connect in the same moment
        while not ended.is_set():
            begin, failure = time.perf_counter(), None
            try:
                await request()
            except Exception as error:
                failure = error
            outcome.note(time.perf_counter() - begin, failure)
            await asyncio.sleep(_apart(load))

    async with AsyncExitStack() as stack:
        requests = [await stack.enter_async_context(client()) for client in aclients]
        await asyncio.to_thread(ready.wait, 60)
        async with asyncio.TaskGroup() as group:
            for number in range(load.coroutines):
                group.create_task(work(requests[number % len(requests)]))


def _apart(load: Load) -> float:
    """Return a pause that lets all coroutines together make as many requests as twenty threads."""
    return _pause() * max(1.0, load.coroutines / 20)


def _pause() -> float:
    return random.uniform(0.5, 1.5) * PAUSE
