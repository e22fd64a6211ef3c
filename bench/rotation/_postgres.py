"""Clients of PostgreSQL: through secretsource, and with a login that is read once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import psycopg_pool
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from bench.rotation._load import AClient, ARequest, Client, Request
from bench.rotation._places import PASSWORD, USER, Rotation
from secretsource.integrations import asyncpg as our_asyncpg
from secretsource.integrations import psycopg_pool as our_psycopg_pool
from secretsource.integrations.sqlalchemy import use_secret
from tests.servers._process import LOOPBACK

AGE = 2  # seconds after which a pool replaces a connection, so that there are new ones all the time
QUERY = "SELECT current_user"


@dataclass(frozen=True, slots=True)
class PostgresClients:
    """The drivers and pools, each with new connections all the time.

    Args:
        port: Where the server listens.
        rotation: Where the login is kept.
        ours: Whether they log in through secretsource.
    """

    port: int
    rotation: Rotation
    ours: bool

    def clients(self) -> list[Client]:
        """Return those for threads; of four threads one opens a connection for each request."""
        return [self._pooled_engine, self._pool, self._engine, self._pool]

    def aclients(self) -> list[AClient]:
        """Return those for coroutines."""
        return [self._async_engine, self._async_pool, self._asyncpg_pool]

    @property
    def _names(self) -> dict[str, Any]:
        return {"password": PASSWORD, "user": USER, "store": self.rotation.store}

    def _login(self) -> dict[str, str]:
        """Return the login of now, which nobody reads again."""
        fields = self.rotation.store.get_fields("db/primary")
        return {"user": str(fields["username"]), "password": str(fields["password"])}

    @property
    def _where(self) -> str:
        return f"host={LOOPBACK} port={self.port} dbname=postgres"

    @contextmanager
    def _engine(self, **settings: Any) -> Iterator[Request]:
        settings = settings or {"poolclass": NullPool}
        url = f"postgresql+psycopg://{LOOPBACK}:{self.port}/postgres"
        engine = create_engine(url, connect_args={} if self.ours else self._login(), **settings)
        if self.ours:
            use_secret(engine, **self._names)

        def request() -> object:
            with engine.connect() as connection:
                return connection.execute(text(QUERY)).scalar_one()

        yield request
        engine.dispose()

    def _pooled_engine(self) -> Any:
        return self._engine(pool_recycle=AGE, pool_size=4, max_overflow=4)

    @contextmanager
    def _pool(self) -> Iterator[Request]:
        settings: dict[str, Any] = {"min_size": 2, "max_size": 6, "max_lifetime": AGE, "open": True}
        pool: Any = (
            our_psycopg_pool.ConnectionPool(self._where, **self._names, **settings)
            if self.ours
            else psycopg_pool.ConnectionPool(self._where, kwargs=self._login(), **settings)
        )

        def request() -> object:
            with pool.connection(timeout=10) as connection:
                return connection.execute(QUERY).fetchone()

        with pool:
            yield request

    @asynccontextmanager
    async def _async_engine(self) -> AsyncIterator[ARequest]:
        engine = create_async_engine(
            f"postgresql+asyncpg://{LOOPBACK}:{self.port}/postgres",
            connect_args={} if self.ours else self._login(),
            pool_recycle=AGE,
            pool_size=10,
            max_overflow=10,
        )
        if self.ours:
            use_secret(engine, **self._names)

        async def request() -> object:
            async with engine.connect() as connection:
                return (await connection.execute(text(QUERY))).scalar_one()

        yield request
        await engine.dispose()

    @asynccontextmanager
    async def _async_pool(self) -> AsyncIterator[ARequest]:
        settings: dict[str, Any] = {"min_size": 2, "max_size": 20, "max_lifetime": AGE, "open": False}
        pool: Any = (
            our_psycopg_pool.AsyncConnectionPool(self._where, **self._names, **settings)
            if self.ours
            else psycopg_pool.AsyncConnectionPool(self._where, kwargs=self._login(), **settings)
        )

        async def request() -> object:
            async with pool.connection(timeout=10) as connection:
                cursor = await connection.execute(QUERY)
                return await cursor.fetchone()

        async with pool:
            yield request

    @asynccontextmanager
    async def _asyncpg_pool(self) -> AsyncIterator[ARequest]:
        settings: dict[str, Any] = {"min_size": 2, "max_size": 20, "max_queries": 20}
        url = f"postgresql://{LOOPBACK}:{self.port}/postgres"
        pool: Any = (
            our_asyncpg.create_pool(url, **self._names, **settings)
            if self.ours
            else asyncpg.create_pool(url, **self._login(), **settings)
        )

        async def request() -> object:
            return await pool.fetchval(QUERY)

        async with pool:
            yield request
