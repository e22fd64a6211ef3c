from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from secretsource._secret import Document
from secretsource._store import Store
from secretsource.errors import BackendUnavailable, SecretNotFound
from tests.fakes import FakeResolver, Gate, run_script


@pytest.fixture
def backend() -> FakeResolver:
    return FakeResolver()


@pytest.fixture
def store(backend: FakeResolver) -> Store:
    return Store([backend])


def suspends(coroutine: Coroutine[Any, Any, object]) -> bool:
    """Whether a coroutine needs the event loop at all."""
    try:
        coroutine.send(None)
    except StopIteration:
        return False
    coroutine.close()
    return True


async def test_a_cached_read_does_not_suspend(store: Store, backend: FakeResolver) -> None:
    backend.says["a"] = Document(value="any")
    assert suspends(store.aget("a"))
    store.get("a")
    assert not suspends(store.aget("a"))


def test_a_local_read_does_not_suspend() -> None:
    local = FakeResolver(local=True)
    local.says["a"] = Document(value="any")
    assert not suspends(Store([local]).aget("a"))


def test_without_asyncios_event_loop_the_error_says_what_to_do(store: Store, backend: FakeResolver) -> None:
    backend.says["a"] = Document(value="any")
    read = store.aget("a")
    with pytest.raises(RuntimeError, match="under asyncio only: elsewhere call get_secret"):
        read.send(None)
    assert "any" == store.get("a").value


async def test_a_thousand_tasks_on_a_cold_name_make_one_call(store: Store, backend: FakeResolver) -> None:
    gate = Gate(Document(value="any"))
    backend.says["a"] = gate
    tasks = [asyncio.create_task(store.aget("a")) for _ in range(1000)]
    await asyncio.sleep(0.1)
    gate.open()
    assert {"any"} == {each.value for each in await asyncio.gather(*tasks)}
    assert 1 == len(backend.calls)


@pytest.mark.parametrize("cancelled", [0, 2])
async def test_cancelling_one_waiter_the_leader_or_another_leaves_the_rest_alone(
    cancelled: int, store: Store, backend: FakeResolver
) -> None:
    gate = Gate(Document(value="any"))
    backend.says["a"] = gate
    tasks = [asyncio.create_task(store.aget("a")) for _ in range(4)]
    await asyncio.to_thread(gate.wait_until_entered)
    tasks[cancelled].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[cancelled]
    gate.open()
    others = [task for task in tasks if task is not tasks[cancelled]]
    assert ["any"] * 3 == [each.value for each in await asyncio.gather(*others)]
    assert 1 == len(backend.calls)


async def test_cancelling_every_task_leaves_a_thread_that_waits_alone(
    store: Store, backend: FakeResolver
) -> None:
    gate = Gate(Document(value="any"))
    backend.says["a"] = gate
    tasks = [asyncio.create_task(store.aget("a")) for _ in range(3)]
    await asyncio.to_thread(gate.wait_until_entered)
    thread = asyncio.create_task(asyncio.to_thread(store.get, "a"))
    await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    gate.open()
    assert "any" == (await thread).value
    assert 1 == len(backend.calls)


async def test_what_a_cancelled_task_asked_for_is_kept(store: Store, backend: FakeResolver) -> None:
    gate = Gate(Document(value="any"))
    backend.says["a"] = gate
    task = asyncio.create_task(store.aget("a"))
    await asyncio.to_thread(gate.wait_until_entered)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gate.open()
    assert "any" == (await store.aget("a")).value
    assert 1 == len(backend.calls)


async def test_the_applications_own_timeout_ends_the_wait(store: Store, backend: FakeResolver) -> None:
    gate = Gate(Document(value="any"))
    backend.says["a"] = gate
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await store.aget("a")
    gate.open()
    assert "any" == (await store.aget("a")).value


async def test_the_loop_goes_on_while_a_fetch_hangs(store: Store, backend: FakeResolver) -> None:
    gate = Gate(Document(value="any"))
    backend.says["a"] = gate
    task = asyncio.create_task(store.aget("a"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    gate.open()
    assert "any" == (await task).value


async def test_a_sync_read_inside_a_running_loop_works(store: Store, backend: FakeResolver) -> None:
    backend.says["a"] = Document(value="any")
    assert "any" == store.get("a").value
    assert "any" == store.get("a", refresh=True).value


def test_a_second_run_and_a_loop_in_another_thread_work(store: Store, backend: FakeResolver) -> None:
    backend.says["a"] = Document(value="any")

    def run_one() -> str:
        return asyncio.run(store.aget("a", refresh=True)).value

    assert ["any", "any"] == [run_one(), run_one()]
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(run_one()))
    thread.start()
    thread.join(10)
    assert ["any"] == results
    assert 3 == len(backend.calls)


def test_two_loops_share_one_fetch(store: Store, backend: FakeResolver) -> None:
    gate = Gate(Document(value="any"))
    backend.says["a"] = gate
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda: results.append(asyncio.run(store.aget("a")).value)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    gate.wait_until_entered()
    threading.Timer(0.2, gate.open).start()
    for thread in threads:
        thread.join(10)
    assert ["any"] * 3 == results
    assert 1 == len(backend.calls)


async def test_errors_and_defaults_are_those_of_the_sync_read(store: Store, backend: FakeResolver) -> None:
    backend.says["a"] = BackendUnavailable("down")
    with pytest.raises(BackendUnavailable, match="fake at a: server error \\(down\\)") as caught:
        await store.aget("a", default="any")
    assert caught.value.__context__ is None
    with pytest.raises(SecretNotFound):
        await store.aget("b")
    assert await store.aget("b", default=None) is None


async def test_tasks_do_not_share_an_error(store: Store, backend: FakeResolver) -> None:
    gate = Gate(BackendUnavailable("down"))
    backend.says["a"] = gate
    tasks = [asyncio.create_task(store.aget("a")) for _ in range(5)]
    await asyncio.to_thread(gate.wait_until_entered)
    gate.open()
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert 5 == len({id(error) for error in errors})


async def test_fields_and_the_context_manager(backend: FakeResolver) -> None:
    backend.says["db"] = Document(fields={"user": "u"})
    async with Store([backend]) as store:
        assert {"user": "u"} == await store.aget_fields("db")


QUIET = """
import asyncio, gc, threading, time
from secretsource import Store
from secretsource.resolvers import Document
from tests.fakes import FakeResolver
backend, entered, gate = FakeResolver(), threading.Event(), threading.Event()
def slow(*_):
    entered.set()
    gate.wait(10)
    return Document(value="late")
backend.says["a"] = slow
store = Store([backend])
async def main():
    task = asyncio.create_task(store.aget("a"))
    await asyncio.to_thread(entered.wait)
"""
LANDS = """
gate.set()
print(store.get("a").value, len(backend.calls))
gc.collect()
"""


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("asyncio.run(main())", id="run cancels the waiter"),
        pytest.param(
            "loop = asyncio.new_event_loop()\nloop.run_until_complete(main())\n"
            "loop.run_until_complete(loop.shutdown_default_executor())\n"
            "for task in asyncio.all_tasks(loop):\n    task.cancel()\n"
            "loop.run_until_complete(asyncio.sleep(0))\nloop.close()",
            id="closed by hand",
        ),
    ],
)
def test_a_loop_that_is_closed_during_a_fetch_makes_no_noise(end: str) -> None:
    done = run_script(QUIET + end + LANDS)
    assert ("late 1\n", "", 0) == (done.stdout, done.stderr, done.returncode)


def test_a_loop_that_is_closed_under_its_waiters_makes_no_noise_of_ours() -> None:
    done = run_script(
        QUIET
        + "loop = asyncio.new_event_loop()\nloop.run_until_complete(main())\n"
        + "loop.run_until_complete(loop.shutdown_default_executor())\nkept = asyncio.all_tasks(loop)\nloop.close()"
        + LANDS
        + "import os, sys; sys.stdout.flush(); os._exit(0)"
    )
    assert ("late 1\n", "") == (done.stdout, done.stderr)


def test_a_loop_that_closes_just_as_the_answer_comes_makes_no_noise() -> None:
    done = run_script(
        """
import asyncio, random, time
from secretsource import Store
from secretsource.resolvers import Document
from tests.fakes import FakeResolver
backend = FakeResolver()
backend.says["a"] = lambda *_: (time.sleep(0.002), Document(value="any"))[1]
store = Store([backend])
async def main():
    task = asyncio.create_task(store.aget("a", refresh=True))
    await asyncio.sleep(0.001 + random.random() * 0.0015)
for _ in range(300):
    asyncio.run(main())
"""
    )
    assert ("", 0) == (done.stderr, done.returncode)
