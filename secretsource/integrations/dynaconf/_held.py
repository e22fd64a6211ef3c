"""The settings as dynaconf holds them: looked through without reading one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from secretsource.integrations.dynaconf._setting import FORMATTER, TOKEN, lazy, split

__all__ = ["names_in", "parse_late"]


def parse_late(held: Any) -> None:
    """Parse what settings files say with ``@secret``, if dynaconf did not know it when it parsed them."""
    for place, value in _items(held):
        if type(value) is str and value.partition(" ")[0] == TOKEN:
            _put(held, place, lazy(value.partition(" ")[2]))
        else:
            parse_late(value)


def names_in(held: Any) -> Iterator[str]:
    """Return the names of the secrets in *held*, at any depth."""
    if getattr(held, "formatter", None) is FORMATTER:
        yield split(held.value)[0]
    for _, value in _items(held):
        yield from names_in(value)


def _items(held: Any) -> Iterable[tuple[Any, Any]]:
    """Return the members of a container as they are held: dynaconf's own would evaluate them."""
    if isinstance(held, dict):
        return list(dict.items(held))
    return list(enumerate(list.__iter__(held))) if isinstance(held, list) else []


def _put(held: Any, place: Any, value: Any) -> None:
    (dict if isinstance(held, dict) else list).__setitem__(held, place, value)
