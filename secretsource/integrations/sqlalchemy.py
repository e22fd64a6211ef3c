"""SQLAlchemy: engines whose connections log in with a secret of now.

engine = create_engine("postgresql+psycopg://shop@db.example.com/shop", pool_pre_ping=True)
use_secret(engine, password="db/primary/password")
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from secretsource import Secret, Store
from secretsource.integrations._bare import bared
from secretsource.integrations._login import WAIT, Credentials, Login
from secretsource.integrations._needs import needs
from secretsource.integrations._refused import is_refused
from secretsource.integrations._watch import Watch

with needs("SQLAlchemy 2.0", extra="sqlalchemy"):
    from sqlalchemy import Engine, event
    from sqlalchemy.exc import DisconnectionError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["is_refused", "use_secret"]

_LOGIN: Final = "secretsource.login"


def use_secret(
    engine: Engine | AsyncEngine,
    *,
    password: str,
    user: str | None = None,
    store: Store | None = None,
    wait: float = WAIT,
    refused: Callable[[Exception], bool] = is_refused,
    drain: bool | None = None,
) -> None:
    """Let each new connection of *engine* log in with the secret of now, and once more with another if it is refused.

    Call it once, before the first connection. Nothing is read before that. With an `AsyncEngine` the event loop is not
    blocked.

    Args:
        engine: What `create_engine` or `create_async_engine` returned, without ``creator=``. Its URL needs no password,
            and no user where *user* is given.
        password: The name of the password.
        user: The name of the user, where that changes too, as with alternating users and those that Vault lends.
        store: Where they are read; `None` for the process-wide store at each connection.
        wait: Seconds, 0 or more, for which a refused login waits for another value. See `Store.reject`.
        refused: Whether an exception of the driver means that the database refused the login. By default `is_refused`,
            which knows the drivers of PostgreSQL and MySQL.
        drain: Whether connections that began before a rotation are replaced when they are checked out next. `None` for
            "if *user* is given": a user that was lent is dropped some time after. The store then looks after the
            secret by itself, from the first connection until the engine is collected.

    Raises:
        TypeError: *engine* is none.
    """
    sync_engine = getattr(engine, "sync_engine", engine)
    if not isinstance(sync_engine, Engine):
        raise TypeError(f"engine must be an Engine or an AsyncEngine, not {type(engine).__name__}")
    login = Login(password, user=user, store=store, wait=wait)
    watch = Watch(login, sync_engine) if (user is not None if drain is None else drain) else None
    listener = _Listener(login, watch, refused)
    event.listen(sync_engine, "do_connect", listener.connect)
    if watch is not None:
        event.listen(sync_engine, "checkout", listener.check)


class _Listener:
    """What an engine calls when it needs a connection."""

    def __init__(self, login: Login, watch: Watch | None, refused: Callable[[Exception], bool]) -> None:
        self._login = login
        self._watch = watch
        self._refused = refused

    def connect(
        self,
        dialect: Dialect,
        record: ConnectionPoolEntry | None,
        cargs: list[Any],
        cparams: dict[str, Any],
    ) -> DBAPIConnection:
        """Open a connection."""
        if self._watch is None:
            return self._opened(dialect, cargs, cparams)[0]
        while True:
            began = self._watch.begun()
            connection, login = self._opened(dialect, cargs, cparams)
            if not self._watch.is_over(began, login):
                break
            # Not left to the check: SQLAlchemy gives up after the second connection that fails it.
            dialect.do_terminate(connection)
        if record is not None:
            record.info[_LOGIN] = (began, login)
        return connection

    def _opened(
        self, dialect: Dialect, cargs: list[Any], cparams: dict[str, Any]
    ) -> tuple[DBAPIConnection, Secret]:
        """Return a new connection, and the password that it logged in with."""

        def opened(credentials: Credentials) -> tuple[DBAPIConnection, Secret]:
            with bared():
                return dialect.connect(*cargs, **cparams | _settings(credentials)), credentials.secret

        if not dialect.is_async:
            return self._login.connect(opened, self._refused)
        # A listener is no coroutine, but it runs in a greenlet of SQLAlchemy's that can wait for one.
        from sqlalchemy.util import await_only, greenlet_spawn

        return await_only(self._login.aconnect(partial(greenlet_spawn, opened), self._refused))

    def check(self, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        """Have a connection from before a rotation replaced.

        Raises:
            DisconnectionError: It is one, which SQLAlchemy understands.
        """
        if self._watch is None:
            return
        self._watch.follow()
        login = record.info.get(_LOGIN)
        if login is None or self._watch.is_over(*login):
            raise DisconnectionError("the login of this connection was rotated")


def _settings(credentials: Credentials) -> dict[str, str]:
    # Drivers in C take no subclass of str.
    settings = {"password": credentials.password.reveal()}
    if credentials.user is not None:
        settings["user"] = credentials.user.reveal()
    return settings
