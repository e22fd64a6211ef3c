"""pymongo: a client keeps its password for good, so here is one that is made anew when the secret changes.

mongo = SecretMongoClient("mongodb://mongo.example.com", password="mongo/password", username="shop")
orders = mongo.run(lambda client: client.shop.orders.count_documents({}))
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from secretsource.integrations._login import WAIT, Credentials, Login
from secretsource.integrations._needs import needs
from secretsource.integrations._seconds import check_seconds

with needs("PyMongo", extra="pymongo"):
    from pymongo import MongoClient
    from pymongo.errors import OperationFailure

if TYPE_CHECKING:
    from secretsource import Store

__all__ = ["SecretMongoClient"]

T = TypeVar("T")

_AUTHENTICATION_FAILED: Final = 18
_OPTIONS: Final = re.compile(r"\?[a-z]+=.*", re.IGNORECASE | re.DOTALL)


class SecretMongoClient:
    """The `MongoClient` that is logged in with the password of now. Threads may share it; so may forks.

    It connects to nothing until it is used. After a rotation there is another client, and the one from before is closed
    some time later, so that what runs with it ends in peace.

    Args:
        host: As `MongoClient` takes it, such as ``mongodb://mongo.example.com``, without a password. An ``@`` in the
            name of a database is written ``%40``.
        password: The name of the password.
        user: The name of the user, where that is a secret too, as with two users that take turns. It should be in the
            same document as the password: then both are always of one version.
        username: The user as it stands, where it is no secret.
        store: Where they are read; `None` for the process-wide store of the moment.
        wait: Seconds, 0 or more, for which `run` waits for another password if one is refused. See `Store.reject`.
        drain: Seconds, 0 or more, after which a client that has been replaced is closed.
        **options: More of `MongoClient`.

    Raises:
        TypeError: Neither or both of *user* and *username* are given.
        ValueError: *host* has a password, or *wait* or *drain* is no finite number of seconds.
        InvalidReference: A name breaks the grammar.
    """

    def __init__(
        self,
        host: Any,
        *,
        password: str,
        user: str | None = None,
        username: str | None = None,
        store: Store | None = None,
        wait: float = WAIT,
        drain: float = 60.0,
        **options: Any,
    ) -> None:
        if (user is None) == (username is None):
            raise TypeError("give user, the name of a secret, or username, the user itself")
        hosts = host if isinstance(host, Sequence) and not isinstance(host, str) else [host]
        if any(isinstance(each, str) and _has_password(each) for each in hosts):
            raise ValueError("host has a password in it: take it out, and let password= name the secret")
        check_seconds("drain", drain)
        self._login: Final = Login(password, user=user, store=store, wait=wait)
        self._username: Final = username
        self._host: Final = host
        self._options: Final = options
        self._drain: Final = drain
        self._by_process: Final[dict[int, _Clients]] = {}

    @property
    def _clients(self) -> _Clients:
        """Those of this process. A child leaves alone what it inherits: to close it would speak to the server."""
        return self._by_process.setdefault(os.getpid(), _Clients())

    def client(self) -> MongoClient[Any]:
        """Return the client of now. Ask for it anew where it is used, and do not keep it.

        Raises:
            SecretSourceError: As `Store.get`.
        """
        return self._client_of(self._login.read())

    def run(self, function: Callable[[MongoClient[Any]], T]) -> T:
        """Call *function* with the client of now, and once more with another one if the server refuses its login.

        Args:
            function: What to do. A new connection may be refused in the middle of it, so it may run twice from its
                beginning.

        Raises:
            pymongo.errors.OperationFailure: The login is refused, and there is no other password.
            SecretSourceError: As `Store.get`.
        """

        def opened(credentials: Credentials) -> T:
            try:
                return function(self._client_of(credentials))
            except OperationFailure as error:
                if not _is_refusal(error):
                    raise
                refused = error
            # Without the frames of pymongo, whose locals hold the proof that was sent and what it was made of.
            refused.__cause__ = refused.__context__ = None
            raise refused.with_traceback(None)

        return self._login.connect(opened, _is_refusal)

    def _client_of(self, credentials: Credentials) -> MongoClient[Any]:
        clients = self._clients
        with clients.lock:
            if (known := clients.known(credentials)) is not None:
                return known
            made: MongoClient[Any] = MongoClient(
                self._host,
                username=self._username if credentials.user is None else credentials.user,
                password=credentials.password,
                **self._options,
            )
            clients.replace(credentials, made, drain=self._drain)
            return made

    def close(self) -> None:
        """Close every client. The next use makes another one."""
        for client in self._clients.pop():
            client.close()

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close every client."""
        self.close()

    def __repr__(self) -> str:
        """Return the names, and no value."""
        user = f"username={self._username!r}" if self._login.user is None else f"user={self._login.user!r}"
        return f"SecretMongoClient(password={self._login.password!r}, {user})"


class _Clients:
    """The client of now, and those that were replaced, until each is closed."""

    def __init__(self) -> None:
        self.lock: Final = threading.Lock()
        self._current: tuple[Credentials, MongoClient[Any]] | None = None
        self._draining: dict[threading.Timer, tuple[Credentials, MongoClient[Any]]] = {}

    def known(self, credentials: Credentials) -> MongoClient[Any] | None:
        """Return the client for *credentials*; `None` if there is to be a new one. The caller has the lock.

        Who has read them before the client of now was made, and comes late, does not replace it.
        """
        if self._current is None:
            return None
        known, client = self._current
        if known.are_same_as(credentials):
            return client
        if credentials.are_later_than(known):
            return None
        return next((each for old, each in self._draining.values() if old.are_same_as(credentials)), client)

    def replace(self, credentials: Credentials, client: MongoClient[Any], *, drain: float) -> None:
        """Let *client* be the one of now; the one before is closed after *drain* seconds. The caller has the lock."""
        if self._current is not None:
            timer = threading.Timer(min(drain, threading.TIMEOUT_MAX), lambda: self._end(timer))
            timer.daemon = True
            self._draining[timer] = self._current
            timer.start()
        self._current = credentials, client

    def _end(self, timer: threading.Timer) -> None:
        with self.lock:
            _, client = self._draining.pop(timer, (None, None))
        if client is not None:
            client.close()

    def pop(self) -> list[MongoClient[Any]]:
        """Forget all of them, and return them for the caller to close."""
        with self.lock:
            current, self._current = self._current, None
            draining, self._draining = self._draining, {}
        for timer in draining:
            timer.cancel()
        return [client for _, client in draining.values()] + ([] if current is None else [current[1]])


def _has_password(host: str) -> bool:
    """Whether there is one before the last ``@``, also where it is not escaped. Nothing is resolved for it."""
    login, _, _ = _OPTIONS.sub("", host.partition("://")[2] or host).rpartition("@")
    return ":" in login


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, OperationFailure) and error.code == _AUTHENTICATION_FAILED
