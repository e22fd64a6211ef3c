"""Connections of psycopg that log in with a secret of now."""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast, overload

from secretsource import Store
from secretsource.integrations._bare import bared
from secretsource.integrations._login import WAIT, Credentials, Login
from secretsource.integrations._needs import needs
from secretsource.integrations._refused import is_refused
from secretsource.integrations._watch import Watch

with needs("psycopg", extra="psycopg"):
    from psycopg import AsyncConnection, Connection
    from psycopg.rows import TupleRow

__all__ = ["ACT", "CT", "ROTATIONS", "aconnect", "class_with", "connect", "secret_connection"]

CT = TypeVar("CT", bound="Connection[Any]")
ACT = TypeVar("ACT", bound="AsyncConnection[Any]")
ROTATIONS: Final = "_secretsource_rotations"
"""The attribute of a connection that tells how many rotations its pool had seen before it logged in."""

AnyCT = TypeVar("AnyCT", bound="Connection[Any] | AsyncConnection[Any]")


def connect(
    conninfo: str = "",
    *,
    password: str,
    user: str | None = None,
    store: Store | None = None,
    wait: float = WAIT,
    **settings: Any,
) -> Connection[TupleRow]:
    """Return a new connection, as `psycopg.connect`, logged in with a secret; see `secret_connection`.

    Args:
        conninfo: Where to, without the password.
        password: The name of the password.
        user: The name of the user, where that changes too.
        store: Where they are read; `None` for the process-wide store.
        wait: Seconds, 0 or more, for which a refused login waits for another value.
        **settings: As for `psycopg.connect`.

    Raises:
        SecretSourceError: They cannot be read.
        psycopg.OperationalError: As from psycopg.
    """

    def opened(credentials: Credentials) -> Connection[TupleRow]:
        with bared():
            return Connection.connect(conninfo, **_with(settings, credentials))

    return Login(password, user=user, store=store, wait=wait).connect(opened, is_refused)


async def aconnect(
    conninfo: str = "",
    *,
    password: str,
    user: str | None = None,
    store: Store | None = None,
    wait: float = WAIT,
    **settings: Any,
) -> AsyncConnection[TupleRow]:
    """Do what `connect` does without blocking the event loop, as `psycopg.AsyncConnection.connect`."""

    async def opened(credentials: Credentials) -> AsyncConnection[TupleRow]:
        with bared():
            return await AsyncConnection.connect(conninfo, **_with(settings, credentials))

    return await Login(password, user=user, store=store, wait=wait).aconnect(opened, is_refused)


@overload
def secret_connection(
    password: str, *, user: str | None = ..., store: Store | None = ..., wait: float = ...
) -> type[Connection[TupleRow]]: ...


@overload
def secret_connection(
    password: str,
    *,
    user: str | None = ...,
    store: Store | None = ...,
    wait: float = ...,
    connection_class: type[AnyCT],
) -> type[AnyCT]: ...


def secret_connection(
    password: str,
    *,
    user: str | None = None,
    store: Store | None = None,
    wait: float = WAIT,
    connection_class: type[Any] = Connection,
) -> type[Any]:
    """Return a connection class whose `connect` logs in with the secret of now, and once more if it is refused.

    It is for whatever takes a ``connection_class``, such as `psycopg_pool.NullConnectionPool`.

    Args:
        password: The name of the password.
        user: The name of the user, where that changes too.
        store: Where they are read; `None` for the process-wide store at each connection.
        wait: Seconds, 0 or more, for which a refused login waits for another value. See `Store.reject`.
        connection_class: What to make it of: `psycopg.Connection`, `psycopg.AsyncConnection` or a subclass of one.
    """
    return class_with(Login(password, user=user, store=store, wait=wait), connection_class)


def class_with(login: Login, base: type[AnyCT], watch: Watch | None = None) -> type[AnyCT]:
    """Return a subclass of *base* that logs in with *login*.

    Args:
        login: What with.
        base: A connection class of psycopg's.
        watch: What begins with the first connection.
    """

    def connect(cls: type[Any], conninfo: str = "", **settings: Any) -> Any:
        def opened(credentials: Credentials) -> Any:
            with bared():
                return super(made, cls).connect(conninfo, **_with(settings, credentials))

        if watch is None:
            return login.connect(opened, is_refused)
        while True:
            rotations = watch.begun()
            connection = login.connect(opened, is_refused)
            setattr(connection, ROTATIONS, rotations)
            if rotations == watch.rotations:
                return connection
            connection.close()

    async def aconnect(cls: type[Any], conninfo: str = "", **settings: Any) -> Any:
        async def opened(credentials: Credentials) -> Any:
            with bared():
                return await super(made, cls).connect(conninfo, **_with(settings, credentials))

        if watch is None:
            return await login.aconnect(opened, is_refused)
        while True:
            rotations = watch.begun()
            connection = await login.aconnect(opened, is_refused)
            setattr(connection, ROTATIONS, rotations)
            if rotations == watch.rotations:
                return connection
            await connection.close()

    way: Any = aconnect if issubclass(base, AsyncConnection) else connect
    made: type[Any] = type(f"Secret{base.__name__}", (base,), {"connect": classmethod(way)})
    return cast("type[AnyCT]", made)


def _with(settings: dict[str, Any], credentials: Credentials) -> dict[str, Any]:
    login = {"password": credentials.password}
    if credentials.user is not None:
        login["user"] = credentials.user
    return settings | login
