"""Pools of psycopg go on while the login is rotated."""

from __future__ import annotations

import asyncio
import gc
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import psycopg_pool
import pytest

from secretsource import BackendUnavailable, Store
from secretsource.integrations._refused import is_refused
from secretsource.integrations.psycopg_pool import (
    AsyncConnectionPool,
    ConnectionPool,
    aconnect,
    connect,
    secret_connection,
)
from secretsource.testing import override
from tests.fakes import FakeClock, eventually, in_threads, run_script
from tests.integrations.database import PASSWORD, USER, Login, locals_of, raised, rotating
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
def pool(login: Login) -> Iterator[ConnectionPool[Any]]:
    """A pool of one user whose password changes."""
    with ConnectionPool(
        f"{login.conninfo} user={login.user}",
        password=PASSWORD,
        store=login.store,
        min_size=1,
        max_size=4,
        check=ConnectionPool.check_connection,
        timeout=10,
        open=False,
    ) as pool:
        yield pool


def user_of(pool: ConnectionPool[Any]) -> str:
    with pool.connection() as connection:
        return str(connection.execute(ME).fetchone()[0])


# connect


def test_a_connection_logs_in_with_the_secret(login: Login) -> None:
    with connect(
        login.conninfo, user=USER, password=PASSWORD, store=login.store, autocommit=True
    ) as connection:
        assert (login.user,) == connection.execute(ME).fetchone()
        assert connection.autocommit


async def test_a_coroutine_logs_in_with_the_secret(login: Login) -> None:
    async with await aconnect(login.conninfo, user=USER, password=PASSWORD, store=login.store) as connection:
        assert (login.user,) == await (await connection.execute(ME)).fetchone()


def test_a_test_gives_the_login_with_override(login: Login) -> None:
    with override({"db/primary": {"user": login.user, "password": login.passwords[0]}}):
        with connect(login.conninfo, user=USER, password=PASSWORD) as connection:
            assert (login.user,) == connection.execute(ME).fetchone()


def test_a_refused_login_waits_until_the_secret_is_changed_too(login: Login) -> None:
    login.store.get(PASSWORD)
    login.rotate(later=0.5)
    with connect(login.conninfo, user=USER, password=PASSWORD, store=login.store):
        pass


async def test_a_refused_coroutine_waits_and_the_loop_goes_on(login: Login) -> None:
    login.store.get(PASSWORD)
    login.rotate(later=0.5)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    async with await aconnect(login.conninfo, user=USER, password=PASSWORD, store=login.store):
        ticking.cancel()
    assert ticks > 15


def test_a_password_that_stays_wrong_is_the_drivers_error_after_the_wait(login: Login) -> None:
    login.spoil()
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(login.conninfo, user=USER, password=PASSWORD, store=login.store, wait=0.5)
    assert 0.4 < time.monotonic() - began < 1.5
    assert len(login.memory.calls) <= 4


@pytest.mark.parametrize("settings", [{"dbname": "nope"}, {"port": 1}])
def test_what_is_no_refusal_is_raised_at_once_and_nobody_is_asked(
    login: Login, settings: dict[str, Any]
) -> None:
    with pytest.raises(psycopg.OperationalError):
        connect(login.conninfo, user=USER, password=PASSWORD, store=login.store, **settings)
    assert 1 == len(login.memory.calls)


def test_a_user_with_too_many_connections_is_not_refused(login: Login) -> None:
    login.server.query(f"ALTER ROLE {login.user} CONNECTION LIMIT 0")
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        connect(login.conninfo, user=USER, password=PASSWORD, store=login.store)
    assert 1 == len(login.memory.calls)


def test_a_secret_that_cannot_be_read_is_told(login: Login) -> None:
    login.memory.fail("sealed")
    with pytest.raises(BackendUnavailable, match="sealed"):
        connect(login.conninfo, user=USER, password=PASSWORD, store=login.store)


# Nothing shows


def test_no_traceback_shows_the_password(login: Login) -> None:
    login.spoil()
    error = raised(
        lambda: connect(
            login.conninfo, user=USER, password=PASSWORD, store=login.store, wait=0, sslmode="disable"
        )
    )
    login.assert_not_in(locals_of(error))
    assert "opened" in locals_of(error), "there are frames to look at"


async def test_no_traceback_of_a_coroutine_shows_the_password(login: Login) -> None:
    login.spoil()
    with pytest.raises(psycopg.OperationalError) as caught:
        await aconnect(login.conninfo, user=USER, password=PASSWORD, store=login.store, wait=0)
    login.assert_not_in(locals_of(caught.value))


def test_what_is_being_handled_keeps_its_traceback(login: Login) -> None:
    def fail() -> None:
        try:
            raise LookupError("the application's")
        except LookupError:
            connect(login.conninfo, user=USER, password=PASSWORD, store=login.store, port=1)

    handled = raised(fail).__context__
    assert isinstance(handled, LookupError)
    assert handled.__traceback__ is not None


def test_neither_a_pool_nor_its_connections_show_the_password(
    login: Login, pool: ConnectionPool[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "psycopg")
    with pool.connection() as connection:
        shown = [connection, connection.info.dsn, vars(connection), pool, vars(pool), pool.get_stats()]
    login.rotate()
    login.server.end_connections(login.user)
    user_of(pool)
    login.assert_not_in(f"{shown!r} {caplog.text}")
    assert "psycopg" in caplog.text


# The class of connections


def test_a_null_pool_takes_the_class(login: Login) -> None:
    made = secret_connection(PASSWORD, user=USER, store=login.store)
    with psycopg_pool.NullConnectionPool(login.conninfo, connection_class=made, open=False) as pool:
        for _ in range(2):
            with pool.connection() as connection:
                assert isinstance(connection, psycopg.Connection)
                assert (login.user,) == connection.execute(ME).fetchone()
            login.rotate()


def test_a_subclass_stays_one(login: Login) -> None:
    class Mine(psycopg.Connection[Any]):
        pass

    made = secret_connection(PASSWORD, user=USER, store=login.store, connection_class=Mine)
    with made.connect(login.conninfo) as connection:
        assert isinstance(connection, Mine)
    assert "SecretMine" == made.__name__


# Pools


def test_a_pool_survives_a_rotation_of_the_database_first(login: Login, pool: ConnectionPool[Any]) -> None:
    user_of(pool)
    login.rotate(later=0.5)
    login.server.end_connections(login.user)
    assert login.user == user_of(pool)


def test_a_pool_survives_a_rotation_of_the_secret_first(login: Login, pool: ConnectionPool[Any]) -> None:
    user_of(pool)
    password = secrets.token_hex(8)
    login.memory.put("db/primary", {"user": login.user, "password": password})
    time.sleep(0.2)  # the old one is still right
    login.server.query(f"ALTER ROLE {login.user} PASSWORD '{password}'")
    login.server.end_connections(login.user)
    assert login.user == user_of(pool)


def test_an_outage_of_the_backend_lets_the_old_value_serve(login: Login) -> None:
    clock = FakeClock()
    store = Store([login.memory], clock=clock)
    connect(login.conninfo, user=USER, password=PASSWORD, store=store).close()
    clock.advance(400)
    login.memory.fail("server")
    connect(login.conninfo, user=USER, password=PASSWORD, store=store).close()
    assert store.get(PASSWORD).stale


def test_sixteen_threads_notice_nothing_of_a_rotation(login: Login, pool: ConnectionPool[Any]) -> None:
    pool.resize(1, 16)
    until = time.monotonic() + 2.5

    def work() -> int:
        done = 0
        while time.monotonic() < until:
            try:
                with pool.connection() as connection:
                    connection.execute("SELECT 1")
            except psycopg_pool.PoolTimeout:
                raise
            except psycopg.OperationalError:
                continue  # it was ended while it was in use
            done += 1
        return done

    with rotating(login):
        done = in_threads(16, work)
    assert [] == [each for each in done if isinstance(each, BaseException)]
    assert 0 not in done


def test_a_pool_takes_another_user_and_lets_the_one_before_go(login: Login) -> None:
    with ConnectionPool(
        login.conninfo, user=USER, password=PASSWORD, store=login.store, min_size=2, open=False
    ) as pool:
        pool.wait(10)
        before = user_of(pool)
        login.next_user()
        login.notice()
        assert eventually(lambda: login.user == user_of(pool) and 0 == login.server.connected(before))


def test_a_pool_of_one_user_keeps_its_connections_and_watches_nothing(login: Login) -> None:
    with ConnectionPool(
        f"{login.conninfo} user={login.user}",
        password=PASSWORD,
        store=login.store,
        min_size=1,
        max_size=1,
        open=False,
    ) as pool:
        with pool.connection() as connection:
            pid = connection.info.backend_pid
        assert 0 == watched(login)
        login.rotate()
        login.notice()
        with pool.connection() as connection:
            assert pid == connection.info.backend_pid


FORK = """
import os, time
from secretsource.integrations.psycopg_pool import ConnectionPool, connect
login = {"conninfo": os.environ["CONNINFO"], "user": "db/primary/user", "password": "db/primary/password"}
pool = ConnectionPool(**login, open=False)
connect(**login).close()
def user():
    with pool.connection() as connection:
        return connection.execute("SELECT current_user").fetchone()[0]
if (child := os.fork()) == 0:
    with pool:
        print(user(), flush=True)
        os.environ |= {"DB_PRIMARY_USER": os.environ["NEXT_USER"], "DB_PRIMARY_PASSWORD": os.environ["NEXT"]}
        until = time.monotonic() + 10
        while user() != os.environ["NEXT_USER"] and time.monotonic() < until:
            time.sleep(0.05)
        print(user(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_pool_from_before_a_fork_is_opened_in_the_child(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNINFO", login.conninfo)
    monkeypatch.setenv("DB_PRIMARY_USER", login.user)
    monkeypatch.setenv("DB_PRIMARY_PASSWORD", login.passwords[-1])
    login.next_user()
    monkeypatch.setenv("NEXT_USER", login.user)
    monkeypatch.setenv("NEXT", login.passwords[-1])
    assert login.users == run_script(FORK).stdout.split()


def document(login: Login) -> dict[str, dict[str, str]]:
    return {"db/primary": {"user": login.user, "password": login.passwords[-1]}}


def test_a_pool_goes_over_to_another_process_wide_store(login: Login) -> None:
    with override(document(login)):
        pool = ConnectionPool(login.conninfo, user=USER, password=PASSWORD, min_size=2, open=True)
        before = user_of(pool)
    login.next_user()
    with override(document(login)), pool:
        assert login.user == user_of(pool)
        assert eventually(lambda: 0 == login.server.connected(before))


def watched(login: Login) -> int:
    return len(login.store._rotations._watches)


def test_a_pool_watches_from_its_first_connection_until_it_is_closed(login: Login) -> None:
    pool = ConnectionPool(login.conninfo, user=USER, password=PASSWORD, store=login.store, open=False)
    assert 0 == watched(login)
    pool.open(wait=True)
    assert 1 == watched(login)
    pool.close()
    assert 0 == watched(login)


def test_a_pool_that_nobody_has_any_more_is_not_watched(login: Login) -> None:
    pool = ConnectionPool(
        login.conninfo, user=USER, password=PASSWORD, store=login.store, min_size=1, open=True
    )
    pool.wait(10)
    assert 1 == watched(login)
    del pool
    gc.collect()
    assert 0 == watched(login)


# Pools of coroutines


@pytest.fixture
async def apool(login: Login) -> AsyncIterator[AsyncConnectionPool[Any]]:
    async with AsyncConnectionPool(
        login.conninfo,
        user=USER,
        password=PASSWORD,
        store=login.store,
        min_size=1,
        max_size=10,
        check=AsyncConnectionPool.check_connection,
        timeout=10,
        open=False,
    ) as pool:
        yield pool


async def auser_of(pool: AsyncConnectionPool[Any]) -> str:
    async with pool.connection() as connection:
        return str((await (await connection.execute(ME)).fetchone())[0])


async def test_an_async_pool_takes_another_user_and_lets_the_one_before_go(
    login: Login, apool: AsyncConnectionPool[Any]
) -> None:
    before = await auser_of(apool)
    login.next_user()
    login.notice()
    async with asyncio.timeout(5):
        while login.user != await auser_of(apool) or login.server.connected(before):
            pass


async def test_an_async_pool_goes_over_to_another_process_wide_store(login: Login) -> None:
    with override(document(login)):
        pool = AsyncConnectionPool(login.conninfo, user=USER, password=PASSWORD, min_size=2, open=False)
        await pool.open()
        before = await auser_of(pool)
    login.next_user()
    with override(document(login)):
        async with pool:
            assert login.user == await auser_of(pool)
            assert await asyncio.to_thread(eventually, lambda: 0 == login.server.connected(before))


async def test_fifty_coroutines_notice_nothing_of_a_rotation(
    login: Login, apool: AsyncConnectionPool[Any]
) -> None:
    until = time.monotonic() + 2.5

    async def work() -> int:
        done = 0
        while time.monotonic() < until:
            try:
                async with apool.connection() as connection:
                    await connection.execute("SELECT 1")
            except psycopg_pool.PoolTimeout:
                raise
            except psycopg.OperationalError:
                continue  # it was ended while it was in use
            done += 1
        return done

    with rotating(login):
        assert 0 not in await asyncio.gather(*[work() for _ in range(50)])


async def test_an_async_pool_is_watched_until_it_is_closed(login: Login) -> None:
    pool = AsyncConnectionPool(login.conninfo, user=USER, password=PASSWORD, store=login.store, open=False)
    await pool.open(wait=True)
    assert 1 == watched(login)
    await pool.close()
    assert 0 == watched(login)


@pytest.mark.parametrize(
    ("said", "is_one"),
    [
        ('FATAL:  password authentication failed for user "shop"', True),
        ("FATAL:  Passwort-Authentifizierung fehlgeschlagen", True),
        ("FATAL:  too many connections", False),
        ("server closed the connection unexpectedly", False),
        ("FATAL:  terminating connection due to administrator command", False),
    ],
)
def test_what_comes_after_the_password_is_no_refusal_of_it(said: str, is_one: bool) -> None:
    class Failed(psycopg.OperationalError):
        pgconn: Any = SimpleNamespace(used_password=True)

    assert is_one == is_refused(Failed(said))
