"""A secret in the settings: read when it is used, each time anew, and shown by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Self

from secretsource import InvalidValue, MaskedStr, SecretSourceError, Store, default_store
from secretsource import secret as checked
from secretsource.integrations._text import text_of
from secretsource.integrations.django._improper import improper

__all__ = ["LazySecret", "secret"]


class LazySecret:
    """What `secret` returns. It acts as the string of the moment, and holds a name and no value.

    An empty value is false, and an error wherever else it is used: everybody could sign with an empty ``SECRET_KEY``,
    and Django looks for one only once.

    It is no `str` on purpose: C code that looks into a string would find a value of the past, or none. Where only a
    real `str` will do, ``str(settings.PEPIPOST_KEY)`` is the one of now, masked. It is no lazy text of Django's either,
    which would be written into migrations and JSON.
    """

    __slots__ = ("name", "store")

    def __init__(self, name: str, store: Store | None) -> None:
        """Remember where to read; nothing is read."""
        self.name: Final = name
        self.store: Final = store

    def __str__(self) -> str:
        """Return the value of now.

        Raises:
            SecretSourceError: As `secretsource.get_secret`.
            InvalidValue: It is empty, or binary.
        """
        return self._text()

    def _text(self) -> MaskedStr:
        value = self._read()
        if not value:
            raise InvalidValue(f"the value of {self.name!r} is empty")
        return value

    def _read(self) -> MaskedStr:
        store = default_store() if self.store is None else self.store
        return text_of(store.get(self.name))

    def __bool__(self) -> bool:
        """Whether the value of now is not empty, which is how Django asks if a setting is set.

        Raises:
            SecretSourceError: As `secretsource.get_secret`; also an `ImproperlyConfigured`.
        """
        try:
            return bool(self._read())
        except SecretSourceError as error:
            failure = error
        raise improper(failure)

    def __getattr__(self, name: str) -> Any:
        """Return a method of the string of now; nothing is read for what a string has not."""
        if name.startswith("_") or not hasattr(MaskedStr, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._text(), name)

    def __len__(self) -> int:
        return len(self._text())

    def __iter__(self) -> Iterator[str]:
        return iter(self._text())

    def __contains__(self, part: str) -> bool:
        return part in self._text()

    def __getitem__(self, key: int | slice) -> str:
        return self._text()[key]

    def __add__(self, other: str) -> str:
        return self._text() + other

    def __radd__(self, other: str) -> str:
        return other + self._text()

    def __format__(self, spec: str) -> str:
        return format(self._text(), spec)

    def __eq__(self, other: object) -> bool:
        return self is other or str(self) == (str(other) if isinstance(other, LazySecret) else other)

    def __hash__(self) -> int:
        return hash(self._text())

    def deconstruct(self) -> tuple[str, tuple[str], dict[str, Store]]:
        """Return how to make it anew: a migration has the name, and not the characters of the value."""
        options = {} if self.store is None else {"store": self.store}
        return "secretsource.integrations.django.secret", (self.name,), options

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __repr__(self) -> str:
        """Return the name; nothing is read."""
        return f"secret({self.name!r})"


def secret(name: str, *, store: Store | None = None) -> LazySecret:
    """Return a setting that reads *name* whenever it is used, so that a rotated value is used without a restart.

    Nothing is read here. For a library that takes the setting once, at start-up, use `secretsource.get_secret`.

    Args:
        name: A name such as ``pepipost/api_key``, or a reference.
        store: Where it is read; `None` for the process-wide store of the moment.

    Raises:
        InvalidReference: The name breaks the grammar.
    """
    return LazySecret(checked(name).name, store)
