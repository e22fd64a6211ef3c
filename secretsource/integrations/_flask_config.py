"""A Flask config whose settings may be secrets: it stores their names, and reads them when somebody asks for them."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict, defaultdict
from collections.abc import Callable, ItemsView, Iterable, Iterator, ValuesView
from typing import Any, Final, NoReturn, SupportsIndex, cast

from secretsource import MaskedBytes, MaskedStr, SecretHandle, SecretNotFound, Store
from secretsource.integrations._needs import needs

with needs("Flask", extra="flask"):
    from flask import Config

__all__ = ["OLD_KEYS", "handles_in", "let_read"]

OLD_KEYS: Final = "SECRET_KEY_FALLBACKS"
"""The setting whose secrets may be missing or empty: there is no old key before the first rotation."""

_DICTIONARIES: Final = (dict, OrderedDict, defaultdict)
_ROWS: Final = (list, tuple, set, frozenset)
_STORE: Final = "_secretsource_store"
_UNSET: Final = object()


def let_read(config: Config, store: Callable[[], Store]) -> None:
    """Let *config* read its secrets from the store that *store* returns; it remains the same object.

    The template engine, other extensions and the application may hold it already, so only its class is another one.
    """
    known = type(config)
    config.__dict__[_STORE] = store
    config.__class__ = type(known.__name__, (_ReadingConfig, known), {"__module__": known.__module__})


def handles_in(value: object) -> Iterator[SecretHandle]:
    """Return every ``secret(…)`` in *value*, which may be a list, a tuple, a set or a dictionary of others."""
    kind = type(value)  # what only says that it is of a class, as proxies do, is none
    if issubclass(kind, SecretHandle):
        yield cast(SecretHandle, value)
    elif issubclass(kind, _ReadingConfig):
        return  # it reads by itself
    elif issubclass(kind, dict):
        for item in dict.values(cast(dict[Any, Any], value)):
            yield from handles_in(item)
    elif issubclass(kind, _ROWS):
        for item in cast(Iterable[Any], value):
            yield from handles_in(item)


class _ReadingConfig(Config):
    """Stores handles and returns values. Everything that a `dict` does with stored values by itself is done anew."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if next(handles_in(value), None) is None:
            return value
        return self._old_keys(value) if key == OLD_KEYS else self._read(value, key)

    def get(self, key: str, default: Any = None) -> Any:
        if key not in self:
            return default
        return self[key]

    def setdefault(self, key: str, default: Any = None) -> Any:
        super().setdefault(key, default)
        return self[key]

    def pop(self, key: str, default: Any = _UNSET) -> Any:
        if key not in self and default is not _UNSET:
            return default
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        key = next(reversed(self), None)
        return super().popitem() if key is None else (key, self.pop(key))

    def __iter__(self) -> Iterator[str]:
        return (
            super().__iter__()
        )  # that it is ours keeps dict(config) and **config from copying what is stored

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]  # a view that reads
        return ItemsView(self)

    def values(self) -> ValuesView[Any]:  # type: ignore[override]  # see items
        return ValuesView(self)

    def update(self, *others: Any, **settings: Any) -> None:
        for other in others:
            # What another one has read would never change again.
            super().update(dict.items(other) if isinstance(other, _ReadingConfig) else other)
        super().update(settings)

    def copy(self) -> _ReadingConfig:
        made = type(self)(self.root_path)
        made.__dict__.update(self.__dict__)
        made.update(self)
        return made

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> _ReadingConfig:
        made = self.copy()
        for key, value in dict.items(self):
            made[key] = copy.deepcopy(value, memo)
        return made

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a config with secrets is not pickled: build the app in each process")

    def get_namespace(
        self, namespace: str, lowercase: bool = True, trim_namespace: bool = True
    ) -> dict[str, Any]:
        asked = {key: self[key] for key in self if key.startswith(namespace)}
        return Config(self.root_path, asked).get_namespace(namespace, lowercase, trim_namespace)

    def from_prefixed_env(self, prefix: str = "FLASK", *, loads: Callable[[str], Any] = json.loads) -> bool:
        stored = Config(self.root_path, dict(dict.items(self)))  # it changes dictionaries in their place
        stored.from_prefixed_env(prefix, loads=loads)
        super().update(stored)
        return True

    def _old_keys(self, value: Any) -> list[Any]:
        found = []
        # One text alone would be taken for a list of keys of one character each.
        for item in [value] if isinstance(value, SecretHandle) else value:
            try:
                key = self._read(item, OLD_KEYS)
            except SecretNotFound:
                continue
            if key:  # everybody could sign with an empty key
                found.append(key)
        return found

    def _read(self, value: Any, setting: str) -> Any:
        kind = type(value)
        if isinstance(value, SecretHandle):
            # Any other kind of handle knows its store.
            return self._value_of(value.name) if kind is SecretHandle else value()
        if kind in _DICTIONARIES:
            made = value.copy()
            made.update((key, self._read(item, setting)) for key, item in value.items())
            return made
        is_named = issubclass(kind, tuple) and hasattr(kind, "_make")
        if is_named or kind in _ROWS:
            return (kind._make if is_named else kind)(self._read(item, setting) for item in value)
        if next(handles_in(value), None) is None:
            return value
        raise TypeError(
            f"the setting {setting!r} has a secret in a {kind.__qualname__}, which cannot be copied with its value: "
            "take a list, a tuple, a set or a dictionary"
        )

    def _value_of(self, name: str) -> MaskedStr | MaskedBytes:
        store: Store = self.__dict__[_STORE]()
        found = store.get(name)
        try:
            return found.value
        except TypeError:
            return found.value_bytes
