"""Threads and event loops on one store, in front of a real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from secretsource import Store, configure
from tests.process.backends import NAMES, fill_conjur, new_values
from tests.servers.conjur import ConjurServer

NAME = NAMES[0]
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
SLOW = 0.4  # seconds


class Slow:
    """A server that takes its time, and a store that reads from it."""

    def __init__(self, server: ConjurServer, store: Store, values: dict[str, str]) -> None:
        self.server = server
        self.store = store
        self.values = values

    def __repr__(self) -> str:
        return "Slow()"

    @property
    def reads(self) -> int:
        return self.server.count("read")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Slow]:
    values = new_values()
    with ConjurServer() as server:
        for variable, value in fill_conjur(server, values).items():
            monkeypatch.setenv(variable, value)
        store = configure()
        store.get(NAMES[-1])  # logged in
        server.reset_requests()
        server.delay = SLOW
        yield Slow(server, store, values)
        store.close()
        assert [] == server.problems


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return what runs a coroutine on a new loop of one kind."""

    def run_on_a_new_loop(coroutine: Any) -> Any:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            return runner.run(coroutine)

    return run_on_a_new_loop


def test_a_thousand_tasks_and_64_threads_on_one_cold_name_make_one_call(
    slow: Slow, run: Callable[..., Any]
) -> None:
    got: list[bool] = []
    barrier = threading.Barrier(65)

    def read() -> None:
        barrier.wait(20)
        got.append(slow.store.get(NAME).value == slow.values[NAME])

    async def read_in_tasks() -> None:
        await asyncio.to_thread(barrier.wait, 20)
        for secret in await asyncio.gather(*(slow.store.aget(NAME) for _ in range(1000))):
            got.append(secret.value == slow.values[NAME])

    threads = [threading.Thread(target=read) for _ in range(64)]
    for thread in threads:
        thread.start()
    run(read_in_tasks())
    for thread in threads:
        thread.join()
    assert [True] * 1064 == got
    assert 1 == slow.reads


def test_a_cancelled_task_leaves_the_others_and_a_thread_alone(slow: Slow, run: Callable[..., Any]) -> None:
    async def main() -> list[object]:
        tasks = [asyncio.create_task(slow.store.aget(NAME)) for _ in range(3)]
        thread = asyncio.create_task(asyncio.to_thread(slow.store.get, NAME))
        await asyncio.sleep(SLOW / 4)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, thread, return_exceptions=True)

    cancelled, *others = run(main())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert [slow.values[NAME]] * 3 == [other.value for other in others]
    assert 1 == slow.reads


def test_a_loop_that_ends_under_its_waiters_leaves_the_fetch_to_the_next(
    slow: Slow, run: Callable[..., Any]
) -> None:
    async def leave() -> None:
        asyncio.create_task(slow.store.aget(NAME))  # noqa: RUF006 - the end of the loop cancels it
        await asyncio.sleep(SLOW / 4)

    run(leave())
    assert slow.values[NAME] == run(slow.store.aget(NAME)).value
    assert slow.values[NAME] == slow.store.get(NAME).value
    assert 1 == slow.reads


def test_loops_in_two_threads_share_one_fetch(slow: Slow, run: Callable[..., Any]) -> None:
    got: list[object] = []

    def read() -> None:
        got.append(run(slow.store.aget(NAME)).value)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [slow.values[NAME]] * 2 == got
    assert 1 == slow.reads


def test_a_sync_read_inside_a_running_loop_works_also_while_a_task_waits_for_the_same(
    slow: Slow, run: Callable[..., Any]
) -> None:
    async def main() -> list[object]:
        task = asyncio.create_task(slow.store.aget(NAME))
        await asyncio.sleep(SLOW / 4)
        return [slow.store.get(NAME).value, (await task).value]

    assert [slow.values[NAME]] * 2 == run(main())
    assert 1 == slow.reads


def test_a_loop_goes_on_while_it_waits_and_a_hit_does_not_leave_its_thread(
    slow: Slow, run: Callable[..., Any]
) -> None:
    async def main() -> int:
        turns = 0
        task = asyncio.create_task(slow.store.aget(NAME))
        while not task.done():
            await asyncio.sleep(0.01)
            turns += 1
        with pytest.raises(StopIteration):
            slow.store.aget(NAME).send(None)
        return turns

    assert run(main()) >= 10
