"""Frozen value classes that cost next to nothing to define."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, NoReturn, Self, dataclass_transform

if TYPE_CHECKING:
    from inspect import Signature

__all__ = ["Record"]


class _RecordType(type):
    """Makes slots of a class's annotations, and keeps their defaults."""

    _fields: tuple[str, ...]
    _defaults: dict[str, object]
    _kw_only: bool
    _shown: tuple[str, ...]
    _compared: attrgetter[tuple[object, ...]]

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, object],
        *,
        kw_only: bool = True,
        eq: bool = True,
        hidden: Collection[str] = (),
        uncompared: Collection[str] = (),
    ) -> _RecordType:
        """Define the class; `Record` tells what the keywords mean."""
        annotated = namespace.get("__annotations__", {})
        assert isinstance(annotated, dict)  # noqa: S101
        defaults = {field: namespace.pop(field) for field in annotated if field in namespace}
        namespace["__slots__"] = tuple(annotated)
        if not eq:
            namespace |= {"__eq__": object.__eq__, "__hash__": object.__hash__}
        made = super().__new__(cls, name, bases, namespace)
        base = next((base for base in bases if isinstance(base, _RecordType)), None)
        made._fields = (*(base._fields if base else ()), *annotated)
        made._defaults = {**(base._defaults if base else {}), **defaults}
        made._kw_only = kw_only
        made._shown = tuple(field for field in made._fields if field not in hidden)
        compared = [field for field in made._fields if field not in uncompared]
        made._compared = attrgetter("__class__", *compared)
        return made

    @property
    def __signature__(cls) -> Signature:
        """What the class takes, for `inspect.signature`; whoever asks has imported that."""
        from inspect import Parameter, Signature  # noqa: PLC0415

        kind = Parameter.KEYWORD_ONLY if cls._kw_only else Parameter.POSITIONAL_OR_KEYWORD
        defaults = {field: cls._defaults.get(field, Parameter.empty) for field in cls._fields}
        return Signature([Parameter(field, kind, default=default) for field, default in defaults.items()])


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Record(metaclass=_RecordType):
    """The base of frozen value classes: their annotated attributes are the fields, as with `dataclasses.dataclass`.

    That one generates code for each class and imports `inspect`, which took a third of the time from the start of a
    process to its first secret. Here nothing is generated, and to make an object takes a microsecond longer.

    A subclass may say in its first line: ``kw_only=False``, fields may be given by position; ``eq=False``, an object
    equals only itself; ``hidden``, the fields that `repr` leaves out; ``uncompared``, those that ``==`` does. A default
    that is a ``dict`` is copied for each object. ``__post_init__`` may check the fields.
    """

    def __init__(self, *args: object, **values: object) -> None:
        kind = type(self)
        if args:
            values |= _by_name(kind, args, values)
        for field in kind._fields:
            if field in values:
                value = values.pop(field)
            elif field in kind._defaults:
                value = kind._defaults[field]
                value = value.copy() if isinstance(value, dict) else value
            else:
                raise TypeError(f"{kind.__qualname__}() is missing the argument {field!r}")
            object.__setattr__(self, field, value)
        for field in values:
            raise TypeError(f"{kind.__qualname__}() got an unexpected keyword argument {field!r}")
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check the fields; there is nothing to check here."""

    def __setattr__(self, field: str, value: object) -> NoReturn:
        """Refuse.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(f"cannot assign to {field!r}: a {type(self).__name__} cannot be changed")

    def __delattr__(self, field: str) -> NoReturn:
        """Refuse.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(f"cannot delete {field!r}: a {type(self).__name__} cannot be changed")

    def __eq__(self, other: object) -> bool:
        kind = type(self)
        return kind._compared(self) == kind._compared(other) if type(other) is kind else NotImplemented

    def __hash__(self) -> int:
        return hash(type(self)._compared(self))

    def __repr__(self) -> str:
        told = ", ".join(f"{field}={getattr(self, field)!r}" for field in type(self)._shown)
        return f"{type(self).__qualname__}({told})"

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), **_values(self)), ()

    def __replace__(self, **changes: object) -> Self:
        """Return a copy with these fields changed, as `copy.replace` does from Python 3.13 on."""
        return type(self)(**{**_values(self), **changes})


def _by_name(kind: _RecordType, args: tuple[object, ...], values: dict[str, object]) -> dict[str, object]:
    """Return the fields that were given by position."""
    most = 0 if kind._kw_only else len(kind._fields)
    if len(args) > most:
        raise TypeError(
            f"{kind.__qualname__}() takes {most} positional arguments, but {len(args)} were given"
        )
    given = dict(zip(kind._fields, args, strict=False))
    for field in given.keys() & values.keys():
        raise TypeError(f"{kind.__qualname__}() got multiple values for argument {field!r}")
    return given


def _values(record: Record) -> dict[str, object]:
    return {field: getattr(record, field) for field in type(record)._fields}
