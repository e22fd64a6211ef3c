"""Values on their way through pydantic: packed so that no error shows them, and masked where a field holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import Secret as PydanticSecret
from pydantic import SecretBytes, SecretStr

from secretsource import MaskedBytes, MaskedStr, SecretHandle

__all__ = ["MASK", "Packed", "hidden", "masked", "texts_of", "unpacked"]

MASK = "**********"
"""What pydantic shows in the place of a secret."""


class Packed(PydanticSecret[Any]):
    """What the source hands over: pydantic shows the input of a failed validation, as text and as JSON."""


def unpacked(value: Any) -> Any:
    """Return *value* with what is packed in it, at any depth."""
    if isinstance(value, Packed):
        return value.get_secret_value()
    return _each(value, unpacked)


def masked(value: Any) -> Any:
    """Return *value* with every text and bytes in it masked; numbers, models and others stay as they are."""
    if type(value) is str:
        return MaskedStr(value)
    if type(value) is bytes:
        return MaskedBytes(value)
    if isinstance(value, SecretStr | SecretBytes):
        return type(value)(masked(value.get_secret_value()))
    return _each(value, masked)


def hidden(value: Any) -> Any:
    """Return *value* with the mask in the place of what is masked, for JSON."""
    if isinstance(value, MaskedStr | SecretHandle):
        return MASK
    if isinstance(value, MaskedBytes):
        return MASK.encode()
    return _each(value, hidden)


def texts_of(value: Any) -> Iterator[str]:
    """Return every text in *value*, so that a message can be looked through for it."""
    if isinstance(value, PydanticSecret | SecretStr | SecretBytes):
        yield from texts_of(value.get_secret_value())
    elif isinstance(value, str):
        yield str(value)
    elif isinstance(value, bytes):
        yield bytes(value).decode("utf-8", "replace")
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from texts_of(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: change(item) for key, item in value.items()}
    if kind in {list, tuple, set, frozenset}:
        return kind(map(change, value))
    return value
