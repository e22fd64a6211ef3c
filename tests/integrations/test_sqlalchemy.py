"""Engines of SQLAlchemy go on while the login is rotated."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from secretsource import BackendUnavailable, Store
from secretsource.integrations.sqlalchemy import is_refused, use_secret
from secretsource.testing import override
from tests.fakes import FakeClock, eventually, in_threads, run_script
from tests.integrations.database import PASSWORD, USER, Login, locals_of, raised, rotating
from tests.servers.postgres import Postgres

ME = text("SELECT current_user")
ONE = text("SELECT 1")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def login(server: Postgres) -> Iterator[Login]:
    login = Login(server)
    yield login
    login.store.close()


Make = Callable[..., Engine]


@pytest.fixture
def make(login: Login) -> Iterator[Make]:
    """Make an engine of one user whose password changes."""
    made: list[Engine] = []

    def make(
        wait: float = 5.0, store: Store | None = None, address: str = login.address, **settings: Any
    ) -> Engine:
        engine = create_engine(f"postgresql+psycopg://{login.user}@{address}", pool_pre_ping=True, **settings)
        use_secret(engine, password=PASSWORD, store=store or login.store, wait=wait)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def lent(login: Login) -> Iterator[Engine]:
    """An engine whose user changes too."""
    engine = create_engine(f"postgresql+psycopg://{login.address}")
    use_secret(engine, password=PASSWORD, user=USER, store=login.store)
    yield engine
    engine.dispose()


def user_of(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(ME))


def test_a_connection_logs_in_with_the_secret(login: Login, make: Make) -> None:
    assert login.user == user_of(make())


def test_the_user_is_read_too(login: Login, lent: Engine) -> None:
    assert login.user == user_of(lent)


def test_nothing_is_read_before_the_first_connection(login: Login, make: Make, lent: Engine) -> None:
    make()
    assert [] == login.memory.calls
    assert 0 == watched(login)


def test_a_test_gives_the_login_with_override(login: Login) -> None:
    engine = create_engine(f"postgresql+psycopg://{login.user}@{login.address}", poolclass=NullPool)
    use_secret(engine, password=PASSWORD)
    with override({PASSWORD: login.passwords[0]}):
        assert login.user == user_of(engine)


def test_what_is_no_engine_is_told() -> None:
    with pytest.raises(TypeError, match="must be an Engine or an AsyncEngine, not str"):
        use_secret("postgresql://", password=PASSWORD)  # type: ignore[arg-type]


# Rotations


def test_a_rotation_of_the_database_first_is_survived(login: Login, make: Make) -> None:
    engine = make()
    user_of(engine)
    login.rotate(later=0.5)
    login.server.end_connections(login.user)
    assert login.user == user_of(engine)


def test_a_rotation_of_the_secret_first_is_survived(login: Login, make: Make) -> None:
    engine = make()
    user_of(engine)
    login.memory.put(PASSWORD, "the next one")
    time.sleep(0.1)  # the old one is still right
    login.server.query(f"ALTER ROLE {login.user} PASSWORD 'the next one'")
    login.server.end_connections(login.user)
    assert login.user == user_of(engine)


def test_a_pool_takes_another_user_and_lets_the_one_before_go(login: Login, lent: Engine) -> None:
    before = user_of(lent)
    with lent.connect() as in_use:
        assert before == in_use.scalar(ME)
        login.next_user()
        login.notice()
        assert eventually(lambda: login.user == user_of(lent))
        assert before == in_use.scalar(ME), "what is running ends in peace"
    assert eventually(lambda: login.user == user_of(lent) and 0 == login.server.connected(before))


def test_a_user_that_is_dropped_before_its_time_is_replaced_at_once(login: Login) -> None:
    engine = create_engine(f"postgresql+psycopg://{login.address}", pool_pre_ping=True)
    use_secret(engine, password=PASSWORD, user=USER, store=login.store)
    before = user_of(engine)
    login.next_user()
    login.server.query(f"ALTER ROLE {before} NOLOGIN")
    login.server.end_connections(before)
    assert login.user == user_of(engine)
    engine.dispose()


def rotated(login: Login) -> str:
    """Rotate to another user, wait until the pools that there are know it, and return the user."""
    told = threading.Event()
    stop = login.store.on_rotation(PASSWORD, lambda old, new: told.set())
    login.next_user()
    login.notice()
    assert told.wait(5)
    stop()
    return login.user


def rotating_under_way(login: Login, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the next login of an engine be over before it is done, and return the users of all logins."""
    connect, users = engine.dialect.connect, list[str]()

    def mine(*args: Any, **settings: Any) -> Any:
        if not users:
            rotated(login)
        users.append(settings["user"])
        return connect(*args, **settings)

    monkeypatch.setattr(engine.dialect, "connect", mine)
    return users


def test_a_connection_that_was_under_way_at_a_rotation_is_made_anew(
    login: Login, lent: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_of(lent)
    between = rotated(login)
    users = rotating_under_way(login, lent, monkeypatch)
    user = user_of(lent)
    assert login.user == user
    assert [between, login.user] == users
    assert eventually(lambda: 0 == login.server.connected(between))


def test_a_rotation_that_is_told_of_late_leaves_connections_of_the_new_user(
    login: Login, lent: Engine
) -> None:
    pid = text("SELECT pg_backend_pid()")
    user_of(lent)
    told = threading.Event()
    login.store.on_rotation(PASSWORD, lambda old, new: told.wait(20))
    engine = create_engine(f"postgresql+psycopg://{login.address}")
    use_secret(engine, password=PASSWORD, user=USER, store=login.store)
    with engine.connect():
        pass
    login.next_user()
    login.notice()
    engine.dispose()
    with engine.connect() as connection:
        newest = connection.scalar(pid)
    told.set()
    assert eventually(lambda: login.user == user_of(lent)), "it was told"
    with engine.connect() as connection:
        assert newest == connection.scalar(pid)
    engine.dispose()


def document(login: Login) -> dict[str, dict[str, str]]:
    return {"db/primary": {"user": login.user, "password": login.passwords[-1]}}


def test_a_pool_goes_over_to_another_process_wide_store(login: Login) -> None:
    engine = create_engine(f"postgresql+psycopg://{login.address}")
    use_secret(engine, password=PASSWORD, user=USER)
    with override(document(login)):
        before = user_of(engine)
    login.next_user()
    with override(document(login)):
        assert login.user == user_of(engine)
        assert eventually(lambda: 0 == login.server.connected(before))
    engine.dispose()


FORK = """
import os, time
from sqlalchemy import create_engine, text
from secretsource.integrations.sqlalchemy import use_secret
engine = create_engine(os.environ["ADDRESS"])
use_secret(engine, user="db/primary/user", password="db/primary/password")
def user():
    with engine.connect() as connection:
        return connection.scalar(text("SELECT current_user"))
print(user(), flush=True)
if (child := os.fork()) == 0:
    engine.dispose(close=False)
    print(user(), flush=True)
    os.environ |= {"DB_PRIMARY_USER": os.environ["NEXT_USER"], "DB_PRIMARY_PASSWORD": os.environ["NEXT"]}
    until = time.monotonic() + 10
    while user() != os.environ["NEXT_USER"] and time.monotonic() < until:
        time.sleep(0.05)
    print(user(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(user())
engine.dispose()
"""


def test_a_child_has_connections_of_its_own_and_is_told_of_rotations(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADDRESS", f"postgresql+psycopg://{login.address}")
    monkeypatch.setenv("DB_PRIMARY_USER", login.user)
    monkeypatch.setenv("DB_PRIMARY_PASSWORD", login.passwords[-1])
    login.next_user()
    monkeypatch.setenv("NEXT_USER", login.user)
    monkeypatch.setenv("NEXT", login.passwords[-1])
    first, second = login.users
    assert [first, first, second, first] == run_script(FORK).stdout.split()


def test_a_pool_of_one_user_keeps_its_connections(login: Login, make: Make) -> None:
    engine = make()
    with engine.connect() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    login.rotate()
    login.notice()
    with engine.connect() as connection:
        assert pid == connection.scalar(text("SELECT pg_backend_pid()"))
    assert 0 == watched(login)


def test_an_outage_of_the_backend_lets_the_old_value_serve(login: Login, make: Make) -> None:
    clock = FakeClock()
    store = Store([login.memory], clock=clock)
    engine = make(store=store, poolclass=NullPool)
    user_of(engine)
    clock.advance(400)
    login.memory.fail("server")
    assert login.user == user_of(engine)
    assert store.get(PASSWORD).stale


def test_sixteen_threads_notice_nothing_of_a_rotation(login: Login, make: Make) -> None:
    engine = make(pool_size=16)
    until = time.monotonic() + 2.5

    def work() -> int:
        done = 0
        while time.monotonic() < until:
            try:
                with engine.connect() as connection:
                    connection.execute(ONE)
                    done += 1
            except Exception as error:
                if is_refused(error):
                    raise
                # It was ended while it was in use, or while it was opened.
        return done

    with rotating(login):
        done = in_threads(16, work)
    assert [] == [each for each in done if isinstance(each, BaseException)]
    assert 0 not in done


# Failures


def test_a_password_that_stays_wrong_is_the_drivers_error_after_the_wait(login: Login, make: Make) -> None:
    login.spoil()
    engine = make(wait=0.5)
    began = time.monotonic()
    with pytest.raises(sqlalchemy.exc.OperationalError, match="password authentication failed"):
        user_of(engine)
    assert 0.4 < time.monotonic() - began < 1.5
    assert len(login.memory.calls) <= 4


def test_what_is_no_refusal_is_raised_at_once_and_nobody_is_asked(login: Login, make: Make) -> None:
    engine = make(address=login.address.replace("/postgres", "/nope"))
    with pytest.raises(sqlalchemy.exc.OperationalError, match="does not exist"):
        user_of(engine)
    assert 1 == len(login.memory.calls)


def test_the_application_says_what_a_refusal_is(login: Login) -> None:
    engine = create_engine(f"postgresql+psycopg://{login.user}@{login.address}")
    use_secret(engine, password=PASSWORD, store=login.store, refused=lambda error: False)
    login.spoil()
    with pytest.raises(sqlalchemy.exc.OperationalError, match="password authentication failed"):
        user_of(engine)
    assert 1 == len(login.memory.calls)


def test_a_secret_that_cannot_be_read_is_told(login: Login, make: Make) -> None:
    login.memory.fail("sealed")
    with pytest.raises(BackendUnavailable, match="sealed"):
        user_of(make())


def test_nothing_shows_the_password(
    login: Login, make: Make, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    engine = make(echo="debug", echo_pool="debug", wait=0)
    user_of(engine)
    shown = [engine, engine.url, engine.pool, vars(engine.pool), engine.dialect, engine.pool.status()]
    login.server.end_connections(login.user)
    login.spoil()
    error = raised(lambda: user_of(engine))
    assert "opened" in locals_of(error), "there are frames to look at"
    text = f"{shown!r} {caplog.text} {capfd.readouterr()} {locals_of(error)}"
    assert "SELECT current_user" in text
    login.assert_not_in(text)


# Who is watched


def watched(login: Login) -> int:
    return len(login.store._rotations._watches)


def test_an_engine_is_watched_from_its_first_connection_until_nobody_has_it(login: Login) -> None:
    engine = create_engine(f"postgresql+psycopg://{login.address}", poolclass=NullPool)
    use_secret(engine, password=PASSWORD, user=USER, store=login.store)
    assert 0 == watched(login)
    user_of(engine)
    assert 1 == watched(login)
    engine.dispose()
    user_of(engine)
    assert 1 == watched(login)
    del engine
    gc.collect()
    assert 0 == watched(login)


# Event loops


@pytest.fixture(params=["asyncpg", "psycopg"])
async def aengine(request: pytest.FixtureRequest, login: Login) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(
        f"postgresql+{request.param}://{login.user}@{login.address}", pool_pre_ping=True
    )
    use_secret(engine, password=PASSWORD, store=login.store)
    yield engine
    await engine.dispose()


@pytest.fixture(params=["asyncpg", "psycopg"])
async def alent(request: pytest.FixtureRequest, login: Login) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"postgresql+{request.param}://{login.address}")
    use_secret(engine, password=PASSWORD, user=USER, store=login.store)
    yield engine
    await engine.dispose()


async def auser_of(engine: AsyncEngine) -> str:
    async with engine.connect() as connection:
        return str(await connection.scalar(ME))


async def test_a_coroutine_survives_a_rotation_and_the_loop_goes_on(
    login: Login, aengine: AsyncEngine
) -> None:
    await auser_of(aengine)
    login.rotate(later=0.5)
    login.server.end_connections(login.user)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    assert login.user == await auser_of(aengine)
    ticking.cancel()
    assert ticks > 15


async def test_the_loop_goes_on_while_the_secret_is_read(login: Login, aengine: AsyncEngine) -> None:
    with login.memory.held() as gate:
        reading = asyncio.create_task(auser_of(aengine))
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert not reading.done()
        gate.release()
        assert login.user == await reading


async def test_an_async_pool_takes_another_user_and_lets_the_one_before_go(
    login: Login, alent: AsyncEngine
) -> None:
    before = await auser_of(alent)
    login.next_user()
    login.notice()
    async with asyncio.timeout(5):
        while login.user != await auser_of(alent) or login.server.connected(before):
            pass


async def test_a_connection_of_a_loop_that_was_under_way_at_a_rotation_is_made_anew(
    login: Login, alent: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auser_of(alent)
    between = rotated(login)
    users = rotating_under_way(login, alent.sync_engine, monkeypatch)
    user = await auser_of(alent)
    assert login.user == user
    assert [between, login.user] == users
    assert await asyncio.to_thread(eventually, lambda: 0 == login.server.connected(between))


async def test_fifty_coroutines_notice_nothing_of_a_rotation(login: Login, aengine: AsyncEngine) -> None:
    until = time.monotonic() + 2

    async def work() -> int:
        done = 0
        while time.monotonic() < until:
            try:
                async with aengine.connect() as connection:
                    await connection.execute(ONE)
                    done += 1
            except Exception as error:
                if is_refused(error):
                    raise
                # It was ended while it was in use, or while it was opened.
        return done

    with rotating(login):
        assert 0 not in await asyncio.gather(*[work() for _ in range(50)])


async def test_no_traceback_of_a_coroutine_shows_the_password(login: Login, aengine: AsyncEngine) -> None:
    login.store.get(PASSWORD)
    login.spoil()
    login.memory.fail("server")  # so that nobody waits
    with pytest.raises(Exception, match="password authentication failed") as caught:
        await auser_of(aengine)
    assert "opened" in locals_of(caught.value), "there are frames to look at"
    login.assert_not_in(locals_of(caught.value))
