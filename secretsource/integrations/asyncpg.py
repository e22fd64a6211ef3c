"""asyncpg: connections and pools that log in with a secret of now.

pool = await create_pool("postgresql://shop@db.example.com/shop", password="db/primary/password")
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from secretsource import Store
from secretsource.integrations._bare import bared
from secretsource.integrations._login import WAIT, Credentials, Login
from secretsource.integrations._needs import needs
from secretsource.integrations._refused import is_refused
from secretsource.integrations._watch import LoopWatch

with needs("asyncpg 0.30", extra="asyncpg"):
    import asyncpg  # type: ignore[import-untyped]

__all__ = ["connect", "create_pool"]


async def connect(
    dsn: str | None = None,
    *,
    password: str,
    user: str | None = None,
    store: Store | None = None,
    wait: float = WAIT,
    **settings: Any,
) -> Any:
    """Return a new connection, as `asyncpg.connect`, logged in with a secret, and once more if it is refused.

    Args:
        dsn: Where to, without the password, and without the user where *user* is given.
        password: The name of the password.
        user: The name of the user, where that changes too, as with alternating users and those that Vault lends.
        store: Where they are read; `None` for the process-wide store.
        wait: Seconds, 0 or more, for which a refused login waits for another value. See `Store.reject`.
        **settings: As for `asyncpg.connect`.

    Raises:
        SecretSourceError: They cannot be read.
        asyncpg.PostgresError: As from asyncpg.
    """
    login = Login(password, user=user, store=store, wait=wait)
    return await login.aconnect(partial(_opened, asyncpg.connect, (dsn,), settings), is_refused)


def create_pool(
    dsn: str | None = None,
    *,
    password: str,
    user: str | None = None,
    store: Store | None = None,
    wait: float = WAIT,
    drain: bool | None = None,
    **settings: Any,
) -> Any:
    """Return a pool, as `asyncpg.create_pool`, whose connections log in with the secret of now.

    Use it in the same ways: ``await create_pool(…)``, or ``async with create_pool(…) as pool``.

    Args:
        dsn: See `connect`.
        password: The name of the password.
        user: The name of the user, where that changes too.
        store: Where they are read; `None` for the process-wide store at each connection.
        wait: Seconds, 0 or more, for which a refused login waits for another value.
        drain: Whether the pool replaces its connections after a rotation, each when it is acquired next. `None` for "if
            *user* is given": a user that was lent is dropped some time after. The store then looks after the secret by
            itself, from the first connection until the pool is closed.
        **settings: As for `asyncpg.create_pool`.
    """
    login = Login(password, user=user, store=store, wait=wait)
    return _Pool(dsn, login=login, drain=user is not None if drain is None else drain, settings=settings)


# asyncpg's own class of pools has no defaults: its function has them.
_DEFAULTS = {
    name: each.default
    for name, each in inspect.signature(asyncpg.create_pool).parameters.items()
    if each.kind is each.KEYWORD_ONLY
}


class _Pool(asyncpg.Pool):  # type: ignore[misc]  # untyped
    """A pool that logs in with a secret."""

    def __init__(self, dsn: str | None, *, login: Login, drain: bool, settings: dict[str, Any]) -> None:
        self._login = login
        self._open = settings.pop("connect", None) or asyncpg.connect
        self._watch = LoopWatch(login, self, asyncpg.Pool.expire_connections) if drain else None
        super().__init__(dsn, **_DEFAULTS | settings | {"connect": self._logged_in})

    async def _logged_in(self, *args: Any, **settings: Any) -> Any:
        opened = partial(_opened, self._open, args, settings)
        if self._watch is None:
            return await self._login.aconnect(opened, is_refused)
        while True:
            rotations = self._watch.begun()
            connection = await self._login.aconnect(opened, is_refused)
            if rotations == self._watch.rotations:
                return connection
            await connection.close()

    def acquire(self, *, timeout: float | None = None) -> Any:
        """Take a connection, and go over to the process-wide store of now if another one is looked after."""
        if self._watch is not None:
            self._watch.follow()
        return super().acquire(timeout=timeout)

    async def close(self) -> None:
        """Close the pool, and look after the secret no longer."""
        if self._watch is not None:
            self._watch.stop()
        await super().close()

    def terminate(self) -> None:
        """End the pool at once, and look after the secret no longer."""
        if self._watch is not None:
            self._watch.stop()
        super().terminate()


async def _opened(
    connect: Callable[..., Awaitable[Any]],
    args: tuple[Any, ...],
    settings: dict[str, Any],
    credentials: Credentials,
) -> Any:
    with bared():
        return await connect(*args, **settings | _login(credentials))


def _login(credentials: Credentials) -> dict[str, str]:
    # asyncpg is written in C there, and takes no subclass of str.
    login = {"password": credentials.password.reveal()}
    if credentials.user is not None:
        login["user"] = credentials.user.reveal()
    return login
