"""What a connection logs in with: read for each new one, and once more with another value where it is refused."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn, SupportsIndex, TypeVar

from secretsource import MaskedStr, Secret, SecretSourceError, Store, default_store, secret
from secretsource.integrations._seconds import check_seconds
from secretsource.integrations._text import text_of

__all__ = ["WAIT", "Credentials", "Login"]

C = TypeVar("C")

WAIT: Final = 5.0
"""Seconds that a refused login waits for another value by default."""

_moments: Final = itertools.count()  # numbers that grow: when something happened, before or after what else


class Credentials:
    """A password, and the user it belongs to where that is a secret too; both of one version. Frozen, and masked."""

    __slots__ = ("_began", "_ended", "_password", "_user")

    def __init__(self, password: Secret, user: Secret | None, *, began: int) -> None:
        """Put together what was read in one call, just now; *began* is the moment when that call began."""
        self._password = password
        self._user = user
        self._began = began
        self._ended = next(_moments)

    @property
    def password(self) -> MaskedStr:
        """The password.

        Raises:
            InvalidValue: It is binary; so for the user.
        """
        return text_of(self._password)

    @property
    def user(self) -> MaskedStr | None:
        """The user; `None` where it is no secret, and stands in the settings of the connection."""
        return None if self._user is None else text_of(self._user)

    @property
    def secret(self) -> Secret:
        """The password with where it came from, its version and its age."""
        return self._password

    def are_later_than(self, other: Credentials) -> bool:
        """Whether the call that read these began when *other* had been read: then these are the newer ones.

        Of two calls at the same time nobody knows it.
        """
        return self._began > other._ended

    def are_same_as(self, other: Credentials) -> bool:
        """Whether *other* logs in with the same, whatever its version."""
        return (self.user, self.password) == (other.user, other.password)

    def __repr__(self) -> str:
        """Return the names and the version, no value."""
        names = [each.name for each in (self._user, self._password) if each is not None]
        return f"Credentials({', '.join(names)}, version={self._password.version!r})"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse to be pickled.

        Raises:
            TypeError: Always: it holds values.
        """
        raise TypeError("Credentials are not pickled: they hold values")


class Login:
    """Reads the credentials of each new connection. Threads, coroutines and forks may share it; it holds no value.

    Args:
        password: The name of the password.
        user: The name of the user, where that changes too, as with alternating users and those that Vault makes; it
            should be in the same document, so that both are of one version.
        store: Where they are read; `None` for the process-wide store of the moment.
        wait: Seconds, 0 or more, for which a refused login waits for another value: a rotation changes the password at
            one place before the other. See `Store.reject`.

    Raises:
        InvalidReference: A name breaks the grammar.
        ValueError: *wait* is no finite number of seconds.
    """

    def __init__(
        self, password: str, *, user: str | None = None, store: Store | None = None, wait: float = WAIT
    ) -> None:
        for name in (password, user):
            if name is not None:
                secret(name)  # or a typing error would be told of by the first connection
        check_seconds("wait", wait)
        self.password: Final = password
        self.user: Final = user
        self.wait: Final = wait
        self._store: Final = store

    @property
    def store(self) -> Store:
        """Where it reads now."""
        return default_store() if self._store is None else self._store

    @property
    def _names(self) -> list[str]:
        return [self.password] if self.user is None else [self.user, self.password]

    def read(self) -> Credentials:
        """Return the credentials of now.

        Raises:
            SecretSourceError: As `Store.get`.
        """
        began = next(_moments)
        return self._of(self.store.get_many(self._names), began)

    async def aread(self) -> Credentials:
        """Do what `read` does without blocking the event loop."""
        began = next(_moments)
        return self._of(await self.store.aget_many(self._names), began)

    def replaced(self, refused: Credentials) -> Credentials | None:
        """Say that *refused* was refused, and return what to use instead, or `None` if there is nothing else.

        Raises:
            SecretSourceError: As `Store.reject`.
        """
        self.store.reject(refused.secret, wait=self.wait)
        return _if_other(self.read(), refused)

    async def areplaced(self, refused: Credentials) -> Credentials | None:
        """Do what `replaced` does without blocking the event loop."""
        await self.store.areject(refused.secret, wait=self.wait)
        return _if_other(await self.aread(), refused)

    def connect(self, opened: Callable[[Credentials], C], refused: Callable[[Exception], bool]) -> C:
        """Open a connection, and once more with other credentials if the first ones are refused.

        Args:
            opened: Opens a connection with the credentials it is given.
            refused: Whether an exception of *opened* means that the server refused the credentials. Any other is
                raised as it is, and so is this one where there are no others.

        Raises:
            SecretSourceError: The credentials cannot be read.
        """
        credentials = self.read()
        try:
            return opened(credentials)
        except Exception as error:
            if not refused(error):
                raise
            try:
                newer = self.replaced(credentials)
            except SecretSourceError as failure:
                _note(error, failure)
                newer = None
            if newer is None:
                raise
        return opened(newer)

    async def aconnect(
        self, opened: Callable[[Credentials], Awaitable[C]], refused: Callable[[Exception], bool]
    ) -> C:
        """Do what `connect` does without blocking the event loop."""
        credentials = await self.aread()
        try:
            return await opened(credentials)
        except Exception as error:
            if not refused(error):
                raise
            try:
                newer = await self.areplaced(credentials)
            except SecretSourceError as failure:
                _note(error, failure)
                newer = None
            if newer is None:
                raise
        return await opened(newer)

    def _of(self, secrets: dict[str, Secret], began: int) -> Credentials:
        user = None if self.user is None else secrets[self.user]
        return Credentials(secrets[self.password], user, began=began)

    def __repr__(self) -> str:
        """Return the names."""
        user = "" if self.user is None else f", user={self.user!r}"
        return f"Login({self.password!r}{user})"


def _if_other(newer: Credentials, refused: Credentials) -> Credentials | None:
    is_same = newer.are_same_as(refused) and newer.secret.version == refused.secret.version
    return None if is_same else newer


def _note(error: Exception, failure: SecretSourceError) -> None:
    error.add_note(f"the login was refused, and there is no other: {type(failure).__name__}: {failure}")
