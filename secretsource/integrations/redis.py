"""redis-py: the password is read for each new connection, and once more with another value where it is refused.

    login = SecretCredentialProvider("redis/password")
    client = redis.Redis(host="redis.example.com", credential_provider=login, redis_connect_func=login.connect)

``credential_provider`` has the password of now; ``redis_connect_func`` sees that one was refused. In coroutines the
second one is ``login.connect_async``. A cluster takes ``connection_class=SecretConnection`` in its place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from secretsource.integrations._login import WAIT, Credentials, Login
from secretsource.integrations._needs import needs

with needs("redis-py", extra="redis"):
    from redis import Connection, SSLConnection
    from redis.credentials import CredentialProvider
    from redis.exceptions import AuthenticationError, DataError

if TYPE_CHECKING:
    from secretsource import Store

__all__ = ["SecretConnection", "SecretCredentialProvider", "SecretSSLConnection"]

P = TypeVar("P", bound="SecretCredentialProvider")

_Said: TypeAlias = tuple[str] | tuple[str, str]

# What a login under way goes on with, and whose it is: redis-py asks the provider anew for each try, and it must be
# given what was found in the place of the refused one.
_trying: ContextVar[tuple[object, Credentials] | None] = ContextVar("secretsource-redis-login", default=None)


class SecretCredentialProvider(CredentialProvider):
    """What redis-py logs in with, read from the store for each new connection. It holds no value.

    Threads, coroutines, clients and forks may share it.

    Args:
        password: The name of the password.
        user: The name of the user, where that is a secret too, as with two users that take turns. It should be in the
            same document as the password: then both are always of one version.
        username: The user as it stands, where it is no secret; without it and *user*, Redis takes ``default``.
        store: Where they are read; `None` for the process-wide store of the moment.
        wait: Seconds, 0 or more, for which a refused login waits for another password. See `Store.reject`.

    Raises:
        TypeError: Both *user* and *username* are given.
    """

    def __init__(
        self,
        password: str,
        *,
        user: str | None = None,
        username: str | None = None,
        store: Store | None = None,
        wait: float = WAIT,
    ) -> None:
        if user is not None and username is not None:
            raise TypeError("give user, the name of a secret, or username, the user itself, and not both")
        self._login: Final = Login(password, user=user, store=store, wait=wait)
        self._username: Final = username
        self._store: Final = store

    def with_username(self: P, username: str) -> P:
        """Return the same for a user that is no secret, unless this one has a user already."""
        if self._username is not None or self._login.user is not None:
            return self
        return type(self)(self._login.password, username=username, store=self._store, wait=self._login.wait)

    def get_credentials(self) -> _Said:
        """Return the password, or user and password, of now; redis-py asks for it.

        Raises:
            SecretSourceError: As `Store.get`.
        """
        return self._said(self._held or self._login.read())

    async def get_credentials_async(self) -> _Said:
        """Do what `get_credentials` does without blocking the event loop."""
        return self._said(self._held or await self._login.aread())

    @property
    def _held(self) -> Credentials | None:
        trying = _trying.get()
        return None if trying is None or trying[0] is not self else trying[1]

    def _said(self, credentials: Credentials) -> _Said:
        user = self._username if credentials.user is None else credentials.user
        return (credentials.password,) if user is None else (user, credentials.password)

    @contextmanager
    def _with(self, credentials: Credentials) -> Iterator[None]:
        token = _trying.set((self, credentials))
        try:
            yield
        finally:
            _trying.reset(token)

    def connect(self, connection: Any = None) -> None:
        """Log a connection in, and once more if it is refused and there is another password: ``redis_connect_func``.

        Args:
            connection: redis-py gives it.

        Raises:
            redis.DataError: The connection has another ``credential_provider`` than this one, or none.
            redis.AuthenticationError: The login is refused, and there is no other password.
            SecretSourceError: The password cannot be read.
        """
        self._check(connection)
        self._log_in(connection, connection.on_connect)

    async def connect_async(self, connection: Any = None) -> None:
        """Do what `connect` does for the connections of ``redis.asyncio``."""
        self._check(connection)
        if self._held is not None:
            await connection.on_connect()
            return
        ways = iter([connection.on_connect, partial(_connect_anew_async, connection)])
        try:
            await self._login.aconnect(lambda credentials: self._atry(next(ways), credentials), _is_refusal)
        except BaseException:
            # redis-py does so for errors of its own only, and would go on with a connection that is not logged in.
            await connection.disconnect(nowait=True)
            raise

    def _log_in(self, connection: Any, on_connect: Callable[[], object]) -> None:
        if self._held is not None:  # the second try below, in which redis-py calls us again
            on_connect()
            return
        ways: Iterator[Callable[[], object]] = iter([on_connect, partial(_connect_anew, connection)])
        try:
            self._login.connect(lambda credentials: self._try(next(ways), credentials), _is_refusal)
        except BaseException:
            connection.disconnect()
            raise

    def _try(self, way: Callable[[], object], credentials: Credentials) -> None:
        try:
            with self._with(credentials):
                way()
            return
        except Exception as error:  # noqa: BLE001 - asyncio has errors of its own, whose frames hold the same
            failed = error
        raise _without_frames(failed)

    async def _atry(self, way: Callable[[], Awaitable[object]], credentials: Credentials) -> None:
        try:
            with self._with(credentials):
                await way()
            return
        except Exception as error:  # noqa: BLE001 - asyncio has errors of its own, whose frames hold the same
            failed = error
        raise _without_frames(failed)

    def _check(self, connection: Any) -> None:
        if getattr(connection, "credential_provider", None) is not self:
            raise DataError("give credential_provider= the object whose connect is the redis_connect_func=")

    def __repr__(self) -> str:
        """Return the names, and the user that is none, but no value."""
        user = f", user={self._login.user!r}" if self._login.user is not None else ""
        username = f", username={self._username!r}" if self._username is not None else ""
        return f"SecretCredentialProvider({self._login.password!r}{user}{username})"


class _LogsIn(Connection):
    """A connection that does by itself what a `SecretCredentialProvider` does in `connect`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        if self.redis_connect_func is None:
            # Else redis-py would call something private in the place of on_connect.
            self.redis_connect_func = type(self).on_connect  # type: ignore[assignment]

    def on_connect(self) -> None:
        provider = self.credential_provider
        if isinstance(provider, SecretCredentialProvider):
            provider._log_in(self, super().on_connect)
        else:
            super().on_connect()  # type: ignore[no-untyped-call]


class SecretConnection(_LogsIn):
    """The ``connection_class`` of a cluster, whose ``redis_connect_func`` is the cluster's own."""


class SecretSSLConnection(_LogsIn, SSLConnection):
    """The same with TLS."""


def _connect_anew(connection: Any) -> None:
    """Connect again: redis-py closes a connection whose login is refused."""
    connection.disconnect()
    # redis-py's own retries go around all this already; before version 6 they stand for the socket alone.
    once = getattr(connection, "connect_check_health", None)
    connection.connect() if once is None else once(retry_socket_connect=False)


async def _connect_anew_async(connection: Any) -> None:
    await connection.disconnect(nowait=True)
    once = getattr(connection, "connect_check_health", None)
    await (connection.connect() if once is None else once(retry_socket_connect=False))


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, AuthenticationError)


def _without_frames(error: Exception) -> Exception:
    """Return it without the frames of redis-py and asyncio, whose locals hold what was sent."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
