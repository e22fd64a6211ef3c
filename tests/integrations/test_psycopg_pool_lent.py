"""Pools of psycopg with users that a real OpenBao lends, and drops a few seconds later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secretsource import Store, configure
from secretsource.integrations.psycopg_pool import AsyncConnectionPool, ConnectionPool
from secretsource.testing import override
from tests.fakes import in_threads
from tests.resolvers.vault.database import Database, until

pytestmark = pytest.mark.slow

# It shows who is connected, and that this user may still read: what a user that was dropped asks is refused.
QUERY = "SELECT current_user, id FROM orders"
# Seconds. A store looks once a second at what is watched: the last third of a third is longer than that.
LEASE = 14


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database() as database:
        yield database


def settings(database: Database, store: Store | None = None) -> dict[str, Any]:
    return {
        "conninfo": f"host=127.0.0.1 port={database.postgres.port} dbname=postgres",
        "user": "vault://database/creds/lent#username",
        "password": "vault://database/creds/lent#password",
        "store": store,
        "min_size": 4,
        "open": False,
    }


class Work:
    """Queries of four at a time, past the end of the first user's lease.

    Attributes:
        users: Whose they were, in order.
    """

    def __init__(self) -> None:
        self.users: list[str] = []
        self._until = time.monotonic() + LEASE + 2

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self._until

    def note(self, rows: list[tuple[str, int]]) -> None:
        [(user, number)] = rows
        assert 1 == number
        if user not in self.users:
            self.users.append(user)

    def in_threads(self, settings: dict[str, Any]) -> None:
        def query() -> None:
            while self.goes_on:
                with pool.connection() as connection:
                    self.note(connection.execute(QUERY).fetchall())
                time.sleep(0.01)

        with ConnectionPool(**settings) as pool:
            assert [None] * 4 == in_threads(4, query)

    async def in_coroutines(self, settings: dict[str, Any]) -> None:
        async def query() -> None:
            while self.goes_on:
                async with pool.connection() as connection:
                    self.note(await (await connection.execute(QUERY)).fetchall())
                await asyncio.sleep(0.01)

        async with AsyncConnectionPool(**settings) as pool, asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(query())


@pytest.mark.timed  # leases of seconds end in real time, whether the process had a core or not
async def test_no_query_fails_while_users_come_and_go(database: Database) -> None:
    database.role("lent", default=LEASE, most=LEASE)
    threads, coroutines = Work(), Work()
    with Store([database.resolver(revoke_on_close=True)], ttl=300) as store:
        of_both = settings(database, store)
        await asyncio.gather(
            asyncio.to_thread(threads.in_threads, of_both), coroutines.in_coroutines(of_both)
        )
    assert 2 <= len(threads.users)
    assert threads.users == coroutines.users, "a process has one user at a time"


def test_no_query_fails_when_the_store_is_replaced_and_gives_its_user_back(
    database: Database, tmp_path: Path
) -> None:
    database.role("lent", default=60, most=60)
    config = tmp_path / "secretsource.toml"
    config.write_text(
        f"""
        chain = ["vault"]
        [resolvers.vault]
        address = "{database.bao.url}"
        auth = {{ method = "token", token = "file://{tmp_path}/token" }}
        revoke_on_close = true
        """
    )
    (tmp_path / "token").write_text(database.bao.token(["app", "revoking"]))
    with override():
        configure(config_file=config)
        with ConnectionPool(**settings(database)) as pool:

            def user() -> str:
                with pool.connection() as connection:
                    [(user, number)] = connection.execute(QUERY).fetchall()
                assert 1 == number
                return str(user)

            before = user()
            configure(config_file=config)
            assert until(lambda: before not in database.issued(), seconds=5)
            after = {user() for _ in range(8)}
        assert after == database.issued()
