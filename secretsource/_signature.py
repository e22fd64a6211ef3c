"""What a factory of resolvers takes: the names and types of its settings, and whether a value fits."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping, Sequence

from secretsource._record import Record

__all__ = ["Signature", "described", "fits", "signature_of"]

_WORDS: Mapping[object, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Mapping: "a table",
    dict: "a table",
    list: "a list",
    Sequence: "a list",
}


class Signature(Record):
    """The settings that a factory takes, without the resolver's name.

    Attributes:
        hints: The type of each, by its name; `object` where it is not told.
        required: Those that have no default.
        anything: Whether it takes others too.
    """

    hints: Mapping[str, object]
    required: tuple[str, ...] = ()
    anything: bool = False


def signature_of(factory: Callable[..., object]) -> Signature:  # type: ignore[explicit-any]  # asked here what it takes
    """Return what *factory* takes after its first argument."""
    import inspect  # noqa: PLC0415 - slow to import, and only needed while a store is built

    parameters = list(inspect.signature(factory).parameters.values())[1:]
    named = [each for each in parameters if each.kind in {each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD}]
    target = getattr(factory, "__init__") if isinstance(factory, type) else factory  # noqa: B009
    try:
        hints = typing.get_type_hints(target)
    except (NameError, TypeError):
        hints = {}  # a type that only type checkers import; an object that holds no annotations
    return Signature(
        hints={each.name: hints.get(each.name, object) for each in named},
        required=tuple(each.name for each in named if each.default is each.empty),
        anything=any(each.kind is each.VAR_KEYWORD for each in parameters),
    )


def fits(value: object, hint: object) -> bool:
    """Whether *value* may be what *hint* says; what is not understood passes, and the resolver decides."""
    origin = typing.get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        return any(fits(value, part) for part in typing.get_args(hint))
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    kind = origin or hint
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind) if isinstance(kind, type) else True


def described(hint: object) -> str:
    """Return *hint* in the words of the configuration."""
    origin = typing.get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        parts = [part for part in typing.get_args(hint) if part is not types.NoneType]
        return " or ".join(dict.fromkeys(described(part) for part in parts))
    if origin is typing.Literal:
        return " or ".join(repr(part) for part in typing.get_args(hint))
    kind = origin or hint
    return _WORDS.get(kind, getattr(kind, "__name__", str(kind)))
