"""What a request carries to an HTTP service, read from a store, and what instead of it after a refusal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from secretsource import (
    ConfigError,
    MaskedBytes,
    MaskedStr,
    Secret,
    SecretSourceError,
    Store,
    default_store,
)
from secretsource.integrations._http_origin import Origin
from secretsource.integrations._seconds import check_seconds

__all__ = ["Carried", "Service"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True, repr=False)
class Carried:
    """What one request carries: a header, and the secrets that it was made of."""

    header: str
    value: MaskedStr
    secrets: tuple[Secret, ...]

    @property
    def raw(self) -> MaskedBytes:
        """The value as it is sent."""
        return MaskedBytes(self.value, "latin-1")

    def __repr__(self) -> str:
        """Return the header's name, and those of the secrets."""
        return f"Carried({self.header}: {', '.join(each.name for each in self.secrets)})"


class Service(ABC, Generic[R]):
    """How secrets become a header, and what counts as a refusal. Threads, coroutines and forks may share it."""

    _header: str
    _names: tuple[str, ...]

    def __init__(
        self,
        *,
        refused: Collection[int] | Callable[[R], bool],
        wait: float,
        plain_http: bool,
        store: Store | None,
    ) -> None:
        if not callable(refused) and not _are_statuses(refused):
            raise TypeError(
                f"refused must be a set of status codes, or a function of the response, not {refused!r}"
            )
        check_seconds("wait", wait)
        self._refused: Final = refused
        self._wait: Final = wait
        self._plain_http: Final = plain_http
        self._store: Final = store

    @abstractmethod
    def _value(self, secrets: Mapping[str, Secret]) -> str:
        """Return what the header says with these secrets, by name.

        Raises:
            InvalidValue: It cannot be said.
        """

    @property
    def store(self) -> Store:
        """Where it reads now."""
        return default_store() if self._store is None else self._store

    def check(self, origin: Origin | None) -> None:
        """Refuse to send anything where others may listen.

        Raises:
            ConfigError: It is plain http to another machine, or nobody knows where.
        """
        if origin is None:
            raise ConfigError(f"{self!r} sends no secret to an address that can be read in two ways")
        if not self._plain_http and not origin.is_private:
            raise ConfigError(
                f"{self!r} sends no secret over plain http, as to {origin}: use https, or say plain_http=True where "
                "nobody can listen on the way"
            )

    def read(self) -> Carried:
        """Return what a request carries now.

        Raises:
            SecretSourceError: As `Store.get`.
            InvalidValue: A value cannot stand in a header.
        """
        return self._carried(self.store.get_many(self._names))

    async def aread(self) -> Carried:
        """Do what `read` does without blocking the event loop."""
        return self._carried(await self.store.aget_many(self._names))

    def current(self) -> Carried | None:
        """Return what a request carries now; `None` where that cannot be read."""
        try:
            return self.read()
        except SecretSourceError:
            return None  # the answer of the service says what there is to say

    def replaced(self, refused: Carried, *, wait: bool) -> Carried | None:
        """Say that *refused* was refused, and return what to send instead; `None` if there is nothing else.

        Args:
            refused: What the request carried.
            wait: Whether to wait for another value, as there is a request that needs one.
        """
        try:
            self.store.reject(refused.secrets[-1], wait=self._wait if wait else 0)
            newer = self.read()
        except SecretSourceError:
            return None
        return None if newer.value == refused.value else newer

    async def areplaced(self, refused: Carried, *, wait: bool) -> Carried | None:
        """Do what `replaced` does without blocking the event loop."""
        try:
            await self.store.areject(refused.secrets[-1], wait=self._wait if wait else 0)
            newer = await self.aread()
        except SecretSourceError:
            return None
        return None if newer.value == refused.value else newer

    def is_refused(self, response: R, status: int) -> bool:
        """Whether *response*, with that *status*, means that the service refused what the request carried."""
        return self._refused(response) if callable(self._refused) else status in self._refused

    def _carried(self, secrets: Mapping[str, Secret]) -> Carried:
        value = MaskedStr(self._value(secrets))
        return Carried(self._header, value, tuple(secrets[name] for name in self._names))


def _are_statuses(refused: Any) -> bool:
    return isinstance(refused, Collection) and all(type(status) is int for status in refused)
