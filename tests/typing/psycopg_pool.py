"""The types of secretsource.integrations.psycopg_pool, as type checkers see them. Never run."""

from __future__ import annotations

from typing import Any, assert_type

from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow

from secretsource import Store, default_store
from secretsource.integrations.psycopg_pool import (
    AsyncConnectionPool,
    ConnectionPool,
    aconnect,
    connect,
    secret_connection,
)


class Mine(Connection[TupleRow]):
    """A connection class of the application's."""


store: Store = default_store()
assert_type(connect("host=h", password="p"), Connection[TupleRow])
assert_type(secret_connection("p", user="u", store=store, wait=1), type[Connection[TupleRow]])
assert_type(secret_connection("p", connection_class=Mine), type[Mine])

pool: ConnectionPool[Connection[TupleRow]] = ConnectionPool("host=h", password="p", open=False, min_size=1)
with pool.connection() as connection:
    assert_type(connection, Connection[TupleRow])
of_mine = ConnectionPool("host=h", password="p", user="u", drain=False, connection_class=Mine)
assert_type(of_mine, ConnectionPool[Mine])


async def main() -> None:
    assert_type(await aconnect("host=h", password="p"), AsyncConnection[TupleRow])
    pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool("host=h", password="p", open=False)
    async with pool, pool.connection() as connection:
        assert_type(connection, AsyncConnection[Any])


connect("host=h")  # type: ignore[call-arg]
ConnectionPool("host=h")  # type: ignore[call-arg]
secret_connection("p", connection_class=Store)  # type: ignore[type-var]  # no connection class
