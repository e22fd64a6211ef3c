"""psycopg and its pool: connections that log in with a secret of now.

pool = ConnectionPool("host=db.example.com dbname=shop user=shop", password="db/primary/password", open=True)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, cast

from secretsource import Store
from secretsource.integrations._login import WAIT, Login
from secretsource.integrations._needs import needs
from secretsource.integrations._psycopg import (
    ACT,
    CT,
    ROTATIONS,
    aconnect,
    class_with,
    connect,
    secret_connection,
)
from secretsource.integrations._watch import LoopWatch, Watch

with needs("psycopg_pool", extra="psycopg"):
    import psycopg_pool
    from psycopg import AsyncConnection, Connection, OperationalError

__all__ = ["AsyncConnectionPool", "ConnectionPool", "aconnect", "connect", "secret_connection"]

_ROTATED: Final = "the login of this connection was rotated"


class ConnectionPool(psycopg_pool.ConnectionPool[CT]):
    """A `psycopg_pool.ConnectionPool` whose connections log in with the secret of now, and once more if it is refused.

    Args:
        conninfo: Where to, without the password, and without the user where *user* is given.
        password: The name of the password.
        user: The name of the user, where that changes too, as with alternating users and those that Vault lends.
        store: Where they are read; `None` for the process-wide store at each connection.
        wait: Seconds, 0 or more, for which a refused login waits for another value. See `Store.reject`.
        drain: Whether the pool replaces its connections after a rotation, those in use as soon as they come back.
            `None` for "if *user* is given": a user that was lent is dropped some time after. The store then looks after
            the secret by itself, from the first connection until the pool is closed.
        connection_class: As for psycopg's pool, and so is the rest.
        **settings: As for psycopg's pool.
    """

    def __init__(
        self,
        conninfo: Any = "",
        *,
        password: str,
        user: str | None = None,
        store: Store | None = None,
        wait: float = WAIT,
        drain: bool | None = None,
        connection_class: type[CT] = cast("type[CT]", Connection),  # noqa: B008 - as psycopg's own
        **settings: Any,
    ) -> None:
        login = Login(password, user=user, store=store, wait=wait)
        self._watch = None
        if user is not None if drain is None else drain:
            self._watch = Watch(login, self, _drained)
            settings["check"] = partial(_checked, self._watch, settings.get("check"))
        logged_in = class_with(login, connection_class, self._watch)
        super().__init__(conninfo, connection_class=logged_in, **settings)

    def close(self, timeout: float = 5.0) -> None:
        """Close the pool, and look after the secret no longer."""
        if self._watch is not None:
            self._watch.stop()
        super().close(timeout)


class AsyncConnectionPool(psycopg_pool.AsyncConnectionPool[ACT]):
    """A `psycopg_pool.AsyncConnectionPool` that does what `ConnectionPool` does, without blocking the event loop.

    Args:
        conninfo: See `ConnectionPool`, and so for the rest.
        password: The name of the password.
        user: The name of the user, where that changes too.
        store: Where they are read; `None` for the process-wide store at each connection.
        wait: Seconds, 0 or more, for which a refused login waits for another value.
        drain: Whether the pool replaces its connections after a rotation; `None` for "if *user* is given".
        connection_class: As for psycopg's pool, and so is the rest.
        **settings: As for psycopg's pool.
    """

    def __init__(
        self,
        conninfo: Any = "",
        *,
        password: str,
        user: str | None = None,
        store: Store | None = None,
        wait: float = WAIT,
        drain: bool | None = None,
        connection_class: type[ACT] = cast("type[ACT]", AsyncConnection),  # noqa: B008 - as psycopg's own
        **settings: Any,
    ) -> None:
        login = Login(password, user=user, store=store, wait=wait)
        self._watch = None
        if user is not None if drain is None else drain:
            self._watch = LoopWatch(login, self, _adrained)
            settings["check"] = partial(_achecked, self._watch, settings.get("check"))
        logged_in = class_with(login, connection_class, self._watch)
        super().__init__(conninfo, connection_class=logged_in, **settings)

    async def close(self, timeout: float = 5.0) -> None:
        """Close the pool, and look after the secret no longer."""
        if self._watch is not None:
            self._watch.stop()
        await super().close(timeout)


# The pool would keep a connection that is under way while it drains, so each is looked at when it is taken, too. What
# fails such a check comes back to the pool unless it is closed.


def _checked(
    watch: Watch, check: Callable[[Connection[Any]], object] | None, connection: Connection[Any]
) -> None:
    watch.follow()
    if _is_old(connection, watch):
        connection.close()
        raise OperationalError(_ROTATED)
    if check is not None:
        check(connection)


async def _achecked(
    watch: Watch,
    check: Callable[[AsyncConnection[Any]], Awaitable[object]] | None,
    connection: AsyncConnection[Any],
) -> None:
    watch.follow()
    if _is_old(connection, watch):
        await connection.close()
        raise OperationalError(_ROTATED)
    if check is not None:
        await check(connection)


def _is_old(connection: object, watch: Watch) -> bool:
    return bool(getattr(connection, ROTATIONS) != watch.rotations)


# psycopg_pool can drain from 3.3 on. Before, connections that nobody takes stay until they are.


def _drained(pool: ConnectionPool[Any]) -> None:
    if not pool.closed and hasattr(pool, "drain"):
        pool.drain()


async def _adrained(pool: AsyncConnectionPool[Any]) -> None:
    if not pool.closed and hasattr(pool, "drain"):
        await pool.drain()
