"""Connections and pools of asyncpg go on while the login is rotated."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from secretsource import BackendUnavailable, Store
from secretsource.integrations._refused import is_refused
from secretsource.integrations.asyncpg import connect, create_pool
from secretsource.testing import override
from tests.fakes import FakeClock
from tests.integrations.database import PASSWORD, USER, Login, locals_of, rotating
from tests.servers.postgres import Postgres

ME = "SELECT current_user"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def login(server: Postgres) -> Iterator[Login]:
    login = Login(server)
    yield login
    login.store.close()


@pytest.fixture
async def pool(login: Login) -> AsyncIterator[Any]:
    """A pool of one user whose password changes."""
    dsn = f"postgresql://{login.user}@{login.address}"
    async with create_pool(dsn, password=PASSWORD, store=login.store, min_size=1) as pool:
        yield pool


@pytest.fixture
async def lent(login: Login) -> AsyncIterator[Any]:
    """A pool whose user changes too."""
    dsn = f"postgresql://{login.address}"
    async with create_pool(dsn, password=PASSWORD, user=USER, store=login.store, min_size=2) as pool:
        yield pool


# connect


async def test_a_connection_logs_in_with_the_secret(login: Login) -> None:
    dsn = f"postgresql://{login.address}"
    connection = await connect(dsn, password=PASSWORD, user=USER, store=login.store, command_timeout=7)
    assert login.user == await connection.fetchval(ME)
    assert 7 == connection._config.command_timeout
    await connection.close()


async def test_a_test_gives_the_login_with_override(login: Login) -> None:
    with override({PASSWORD: login.passwords[0]}):
        connection = await connect(f"postgresql://{login.user}@{login.address}", password=PASSWORD)
    await connection.close()


async def test_a_refused_login_waits_and_the_loop_goes_on(login: Login) -> None:
    login.store.get(PASSWORD)
    login.rotate(later=0.5)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    connection = await connect(
        f"postgresql://{login.user}@{login.address}", password=PASSWORD, store=login.store
    )
    ticking.cancel()
    await connection.close()
    assert ticks > 15


async def test_a_password_that_stays_wrong_is_the_drivers_error_after_the_wait(login: Login) -> None:
    login.spoil()
    began = time.monotonic()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connect(
            f"postgresql://{login.user}@{login.address}", password=PASSWORD, store=login.store, wait=0.5
        )
    assert 0.4 < time.monotonic() - began < 1.5
    assert len(login.memory.calls) <= 4


async def test_what_is_no_refusal_is_raised_at_once_and_nobody_is_asked(login: Login) -> None:
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await connect(
            f"postgresql://{login.user}@{login.address}",
            password=PASSWORD,
            store=login.store,
            database="nope",
        )
    assert 1 == len(login.memory.calls)


async def test_a_secret_that_cannot_be_read_is_told(login: Login) -> None:
    login.memory.fail("sealed")
    with pytest.raises(BackendUnavailable, match="sealed"):
        await connect(f"postgresql://{login.address}", password=PASSWORD, user=USER, store=login.store)


@pytest.mark.parametrize("settings", [{}, {"ssl": False}, {"host": ["127.0.0.1", "127.0.0.1"]}])
async def test_no_traceback_shows_the_password(login: Login, settings: dict[str, Any]) -> None:
    login.spoil()
    if "host" in settings:
        settings = settings | {"port": [login.server.port, 1], "user": USER, "database": "postgres"}
    dsn = None if "host" in settings else f"postgresql://{login.user}@{login.address}"
    with pytest.raises((asyncpg.InvalidPasswordError, OSError)) as caught:
        await connect(dsn, password=PASSWORD, store=login.store, wait=0, **settings)
    assert "_opened" in locals_of(caught.value), "there are frames to look at"
    login.assert_not_in(locals_of(caught.value))


# Pools


async def test_nothing_is_read_before_the_first_connection(login: Login) -> None:
    create_pool(f"postgresql://{login.address}", password=PASSWORD, user=USER, store=login.store)
    assert [] == login.memory.calls
    assert 0 == watched(login)


async def test_a_pool_is_awaited_too(login: Login) -> None:
    dsn = f"postgresql://{login.user}@{login.address}"
    pool = await create_pool(dsn, password=PASSWORD, store=login.store, min_size=2, max_size=3)
    assert isinstance(pool, asyncpg.Pool)
    assert (2, 3) == (pool.get_min_size(), pool.get_max_size())
    assert login.user == await pool.fetchval(ME)
    await pool.close()


async def test_the_application_may_connect_by_itself(login: Login) -> None:
    seen: list[object] = []

    async def mine(*args: Any, **settings: Any) -> Any:
        seen.append(settings["database"])
        return await asyncpg.connect(*args, **settings)

    dsn = f"postgresql://{login.user}@{login.address}"
    pool = create_pool(
        dsn, password=PASSWORD, store=login.store, min_size=1, connect=mine, database="postgres"
    )
    async with pool:
        assert login.user == await pool.fetchval(ME)
    assert ["postgres"] == seen


async def test_a_pool_survives_a_rotation_of_the_database_first(login: Login, pool: Any) -> None:
    login.rotate(later=0.5)
    login.server.end_connections(login.user)
    await asyncio.sleep(0.1)  # until asyncpg has seen that they are gone
    assert login.user == await pool.fetchval(ME)


async def test_a_pool_survives_a_rotation_of_the_secret_first(login: Login, pool: Any) -> None:
    await pool.fetchval(ME)
    login.memory.put(PASSWORD, "the next one")
    await asyncio.sleep(0.1)  # the old one is still right
    login.server.query(f"ALTER ROLE {login.user} PASSWORD 'the next one'")
    await pool.expire_connections()
    assert login.user == await pool.fetchval(ME)


async def test_an_outage_of_the_backend_lets_the_old_value_serve(login: Login) -> None:
    clock = FakeClock()
    store = Store([login.memory], clock=clock)
    async with create_pool(
        f"postgresql://{login.user}@{login.address}", password=PASSWORD, store=store, min_size=1
    ) as pool:
        clock.advance(400)
        login.memory.fail("server")
        await pool.expire_connections()
        assert login.user == await pool.fetchval(ME)
        assert store.get(PASSWORD).stale


async def test_a_pool_takes_another_user_and_lets_the_one_before_go(login: Login, lent: Any) -> None:
    before = await lent.fetchval(ME)
    async with lent.acquire() as in_use:
        login.next_user()
        login.notice()
        async with asyncio.timeout(5):
            while login.user != await lent.fetchval(ME):
                pass
        assert before == await in_use.fetchval(ME), "what is running ends in peace"
    async with asyncio.timeout(5):
        while login.user != await lent.fetchval(ME) or login.server.connected(before):
            pass


def document(login: Login) -> dict[str, dict[str, str]]:
    return {"db/primary": {"user": login.user, "password": login.passwords[-1]}}


async def test_a_pool_goes_over_to_another_process_wide_store(login: Login) -> None:
    dsn = f"postgresql://{login.address}"
    with override(document(login)):
        pool = await create_pool(dsn, password=PASSWORD, user=USER, min_size=1, max_size=1)
        before = await pool.fetchval(ME)
    login.next_user()
    with override(document(login)):
        async with pool:
            assert await pool.fetchval(ME) in (before, login.user)
            assert login.user == await pool.fetchval(ME)


async def test_a_connection_that_was_under_way_at_a_rotation_is_made_anew(login: Login) -> None:
    users: list[object] = []

    async def mine(*args: Any, **settings: Any) -> Any:
        if not users:
            login.next_user()
            login.notice()
            await asyncio.sleep(0.1)
        users.append(settings["user"])
        return await asyncpg.connect(*args, **settings)

    dsn, before = f"postgresql://{login.address}", login.user
    async with create_pool(
        dsn, password=PASSWORD, user=USER, store=login.store, min_size=1, connect=mine
    ) as pool:
        assert [before, login.user] == users
        assert login.user == await pool.fetchval(ME)


async def test_fifty_coroutines_notice_nothing_of_a_rotation(login: Login, pool: Any) -> None:
    until = time.monotonic() + 2.5

    async def work() -> int:
        done = 0
        while time.monotonic() < until:
            try:
                async with pool.acquire() as connection:
                    await connection.execute("SELECT 1")
                    done += 1
            except (
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
                OSError,
            ) as error:
                if is_refused(error):
                    raise
                # It was ended while it was in use, or while it was opened.
        return done

    with rotating(login):
        assert 0 not in await asyncio.gather(*[work() for _ in range(50)])
    pool.terminate()  # asyncpg 0.30 would wait for connections that were ended while they were in use
    pool.terminate()  # asyncpg 0.30 can wait for ever for a connection that was ended while it was in use


# Who is watched


def watched(login: Login) -> int:
    return len(login.store._rotations._watches)


async def test_a_pool_of_one_user_keeps_its_connections(login: Login, pool: Any) -> None:
    pid = await pool.fetchval("SELECT pg_backend_pid()")
    login.rotate()
    login.notice()
    assert pid == await pool.fetchval("SELECT pg_backend_pid()")
    assert 0 == watched(login)


@pytest.mark.parametrize("end", ["close", "terminate", "drop"])
async def test_a_pool_is_watched_until_it_ends(login: Login, end: str) -> None:
    dsn = f"postgresql://{login.address}"
    pool = await create_pool(dsn, password=PASSWORD, user=USER, store=login.store, min_size=1)
    assert 1 == watched(login)
    if end == "close":
        await pool.close()
    else:
        pool.terminate()
        if end == "drop":
            pool = None
            gc.collect()
    assert 0 == watched(login)


async def test_a_pool_shows_no_password(login: Login, pool: Any) -> None:
    async with pool.acquire() as connection:
        login.assert_not_in(f"{pool!r} {connection!r} {vars(pool)} {pool._connect_kwargs}")
