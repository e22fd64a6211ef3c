"""A pool is told of each rotation of its login, whichever store that is read from."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from secretsource import Secret, Store
from secretsource.integrations._login import Login
from secretsource.integrations._watch import LoopWatch, Watch
from secretsource.testing import MemoryResolver, override
from tests.fakes import eventually, in_threads

NAME = "db/password"


class Pool:
    """Counts how often it was told."""

    def __init__(self) -> None:
        self.told = 0

    def tell(self) -> None:
        self.told += 1

    async def atell(self) -> None:
        self.told += 1


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def memory() -> MemoryResolver:
    return MemoryResolver({NAME: "one"})


@pytest.fixture
def store(memory: MemoryResolver) -> Iterator[Store]:
    with Store([memory]) as store:
        yield store


def rotate(store: Store, memory: MemoryResolver, value: str) -> Secret:
    memory.put(NAME, value)
    return store.get(NAME, refresh=True)


def test_a_pool_is_told_of_each_rotation(store: Store, memory: MemoryResolver, pool: Pool) -> None:
    watch = Watch(Login(NAME, store=store), pool, Pool.tell)
    assert 0 == watch.begun()
    store.get(NAME)
    rotate(store, memory, "two")
    assert eventually(lambda: (1, 1) == (watch.begun(), pool.told))


def test_another_store_in_the_place_of_the_one_before_is_a_rotation(pool: Pool) -> None:
    watch = Watch(Login(NAME), pool, Pool.tell)
    with override({NAME: "one"}):
        assert (0, 0) == (watch.begun(), pool.told)
        with override({NAME: "two"}):
            watch.follow()
            assert (1, 1) == (watch.rotations, pool.told)
            watch.follow()
            assert 1 == watch.rotations
        watch.follow()
        assert (2, 2) == (watch.rotations, pool.told)


def test_what_has_not_begun_follows_nobody(store: Store, pool: Pool) -> None:
    Watch(Login(NAME, store=store), pool, Pool.tell).follow()
    assert {} == store._rotations._watches


def test_a_store_that_cannot_be_built_leaves_the_watch_as_it_is(
    monkeypatch: pytest.MonkeyPatch, pool: Pool
) -> None:
    watch = Watch(Login(NAME), pool, Pool.tell)
    with override({NAME: "one"}):
        watch.begun()
    monkeypatch.setenv("SECRETSOURCE_CHAIN", "nobody")
    watch.follow()
    assert (0, 0) == (watch.rotations, pool.told)


def test_what_logged_in_with_the_newer_secret_already_is_not_over(
    store: Store, memory: MemoryResolver, pool: Pool
) -> None:
    watch = Watch(Login(NAME, store=store), pool)
    began, first = watch.begun(), store.get(NAME)
    assert not watch.is_over(began, first)
    second = rotate(store, memory, "two")
    assert eventually(lambda: watch.is_over(began, first))
    assert not watch.is_over(began, second), "it was told of late"
    rotate(store, memory, "three")
    assert eventually(lambda: watch.is_over(began, second))


def test_after_another_store_everything_from_before_is_over(pool: Pool) -> None:
    watch = Watch(Login(NAME), pool)
    with override({NAME: "one"}):
        began, first = watch.begun(), Login(NAME).read().secret
        with override({NAME: "one"}):
            watch.follow()
            assert watch.is_over(began, first)


class SlowDeque(deque[Any]):
    """Lets other threads go on between a look at its length and what follows from that."""

    def __len__(self) -> int:
        length = super().__len__()
        time.sleep(0.001)
        return length


def test_threads_that_begin_at_the_same_time_leave_one_watch(store: Store, pool: Pool) -> None:
    for _ in range(10):
        watch = Watch(Login(NAME, store=store), pool)
        watch._watched = SlowDeque()
        assert [0] * 8 == in_threads(8, watch.begun)
        assert 1 == len(store._rotations._watches[NAME].callbacks)
        watch.stop()
        assert {} == store._rotations._watches


async def test_a_pool_of_a_loop_is_told_there(store: Store, memory: MemoryResolver, pool: Pool) -> None:
    watch = LoopWatch(Login(NAME, store=store), pool, Pool.atell)
    watch.begun()
    await store.aget(NAME)
    memory.put(NAME, "two")
    await store.aget(NAME, refresh=True)
    assert await asyncio.to_thread(eventually, lambda: 1 == pool.told)
