"""pymongo: a client keeps its password for good, so here is one that is made anew when the secret changes.

mongo = SecretMongoClient("mongodb://mongo.example.com", password="mongo/password", username="shop")
orders = mongo.run(lambda client: client.shop.orders.count_documents({}))
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from secretsource.integrations._login import WAIT, Credentials, Login
from secretsource.integrations._needs import needs

with needs("PyMongo", extra="pymongo"):
    from pymongo import MongoClient
    from pymongo.errors import OperationFailure

if TYPE_CHECKING:
    from secretsource import Store

__all__ = ["SecretMongoClient"]

T = TypeVar("T")

_AUTHENTICATION_FAILED: Final = 18


class SecretMongoClient:
    """The `MongoClient` that is logged in with the password of now. Threads may share it; so may forks.

    It connects to nothing until it is used. After a rotation there is another client, and the one from before is closed
    some time later, so that what runs with it ends in peace.

    Args:
        host: As `MongoClient` takes it, such as ``mongodb://mongo.example.com``, without a password.
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
        self._login: Final = Login(password, user=user, store=store, wait=wait)
        self._username: Final = username
        self._host: Final = host
        self._options: Final = options
        self._drain: Final = drain
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._current: tuple[Credentials, MongoClient[Any]] | None = None
        self._replaced: dict[threading.Timer, MongoClient[Any]] = {}

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
        if self._pid != os.getpid():
            self._forget()  # a client is of no use in a child, nor its lock
        with self._lock:
            if self._current is not None:
                known, client = self._current
                if (known.user, known.password) == (credentials.user, credentials.password):
                    return client
                self._replace(client)
            made: MongoClient[Any] = MongoClient(
                self._host,
                username=self._username if credentials.user is None else credentials.user,
                password=credentials.password,
                **self._options,
            )
            self._current = credentials, made
            return made

    def _replace(self, client: MongoClient[Any]) -> None:
        timer = threading.Timer(self._drain, lambda: self._end(timer))
        timer.daemon = True
        self._replaced[timer] = client
        timer.start()

    def _end(self, timer: threading.Timer) -> None:
        with self._lock:
            client = self._replaced.pop(timer, None)
        if client is not None:
            client.close()

    def close(self) -> None:
        """Close every client. The next use makes another one."""
        with self._lock:
            current, self._current = self._current, None
            replaced, self._replaced = self._replaced, {}
        for timer, client in replaced.items():
            timer.cancel()
            client.close()
        if current is not None:
            current[1].close()

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


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, OperationFailure) and error.code == _AUTHENTICATION_FAILED
