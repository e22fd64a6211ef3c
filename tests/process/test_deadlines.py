"""A caller is back in time whatever a backend does, and the others are not kept waiting."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from secretsource import BackendUnavailable, Secret, Store, configure
from tests.fakes import outcome
from tests.process.playing import KINDS, NAME, TROUBLES, Playing, in_trouble, playing
from tests.worker_threads import idle_threads_end_soon, worker_threads

__all__ = ["idle_threads_end_soon"]

pytestmark = pytest.mark.timed

DEADLINE, GRACE = 1.0, 0.5  # seconds

Read = Callable[[Store, str, float], Secret]
WAYS: dict[str, Read] = {
    "sync": lambda store, name, seconds: store.get(name, timeout=seconds),
    "async": lambda store, name, seconds: asyncio.run(store.aget(name, timeout=seconds)),
    "many": lambda store, name, seconds: store.get_many([name], timeout=seconds)[name],
}


def store_of(server: Playing, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Store:
    for variable, value in server.environ.items():
        monkeypatch.setenv(variable, value)
    return configure(**settings)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_caller_is_back_half_a_second_after_its_deadline(
    kind: str, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_trouble(kind, trouble) as server:
        store = store_of(server, monkeypatch)

        def is_back_after(how: str) -> float:
            started = time.monotonic()
            with pytest.raises(BackendUnavailable):
                WAYS[how](store, NAME, DEADLINE)
            return time.monotonic() - started

        with ThreadPoolExecutor(len(WAYS)) as pool:
            took = dict(zip(WAYS, pool.map(is_back_after, WAYS), strict=True))
    assert all(DEADLINE - 0.1 < seconds < DEADLINE + GRACE for seconds in took.values()), took


@pytest.mark.parametrize("kind", KINDS)
def test_a_crowd_is_back_in_time_and_takes_no_more_threads_than_it_may(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, readers = 4, 32
    with in_trouble(kind, "hang") as server:
        store = store_of(server, monkeypatch, max_concurrency=most)
        outcome(lambda: store.get(NAME, timeout=DEADLINE))  # imports, once

        def read(number: int) -> tuple[BaseException | Secret, float]:
            started = time.monotonic()
            came = outcome(lambda: store.get(f"n{number}/key", timeout=DEADLINE))
            return came, time.monotonic() - started

        with ThreadPoolExecutor(readers) as pool:
            reads = [pool.submit(read, number) for number in range(readers)]
            seen = []
            while not all(each.done() for each in reads):
                seen.append(len(worker_threads()))
                time.sleep(0.02)
            came = [each.result() for each in reads]

    assert all(isinstance(each, BackendUnavailable) for each, _ in came)
    assert max(seconds for _, seconds in came) < DEADLINE + GRACE
    assert max(seen) <= most


@pytest.mark.parametrize("hung_kind", KINDS)
def test_a_backend_that_hangs_keeps_no_reader_of_another_one_waiting(
    hung_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    well_kind = next(kind for kind in KINDS if kind != hung_kind)
    with in_trouble(hung_kind, "hang") as hung, playing(well_kind) as well:
        well.answer()
        chain = f"{hung_kind},{well_kind}"
        for server in (hung, well):
            store_of(server, monkeypatch)
        monkeypatch.setenv("SECRETSOURCE_CHAIN", chain)
        store = configure()
        reference = {"aws": "aws://app#key", "vault": "vault://secret/app#key", "conjur": "conjur://app/key"}
        store.get(reference[well_kind])
        stop = threading.Event()

        def wait_for_the_hung_one(number: int) -> None:
            while not stop.is_set():
                outcome(lambda: store.get(f"n{number}/key", timeout=DEADLINE))

        crowd = [threading.Thread(target=wait_for_the_hung_one, args=(number,)) for number in range(50)]
        for thread in crowd:
            thread.start()
        time.sleep(0.3)
        took = []
        for _ in range(20):
            started = time.monotonic()
            assert well.value == store.get(reference[well_kind], refresh=True).value
            took.append(time.monotonic() - started)
        stop.set()
        for thread in crowd:
            thread.join()
    assert max(took) < 0.5
