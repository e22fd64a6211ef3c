"""Masked values: a mask wherever they would be shown by accident, the plain value wherever they are used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn, Self, SupportsIndex, TypeAlias, overload

__all__ = ["Kept", "MaskedBytes", "MaskedStr", "Value", "masked", "text_or_bytes"]

# What `str` itself takes: `slice` alone would be a slice of anything.
_Slice: TypeAlias = "slice[SupportsIndex | None, SupportsIndex | None, SupportsIndex | None]"
_MASK = "********"
_PICKLE = (
    "a {} is not pickled, so that no value is written by accident; pickle .reveal() if that is what you want"
)


class Kept:
    """What holds a value and cannot change: a copy is the object itself, and it refuses to be pickled."""

    __slots__ = ()

    def __copy__(self) -> Self:
        """Return the object itself: it cannot change."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Return the object itself: it cannot change."""
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse to be pickled.

        Raises:
            TypeError: Always; it names ``reveal``.
        """
        raise TypeError(_PICKLE.format(type(self).__name__))


class MaskedStr(Kept, str):
    """A `str` that shows a mask where a value would be printed by accident.

    It is a real string: headers, drivers, ``==``, ``str()`` and f-strings get the value. ``repr()``, containers,
    tracebacks with local variables and rich show a mask, and so does a slice. It refuses to be pickled. What else is
    made from it (``+``, ``encode``, ``split``, ``strip``, its single characters) is plain, as drivers need it.
    """

    __slots__ = ()

    def reveal(self) -> str:
        """Return the value as a plain `str`, which nothing masks any more."""
        return str.__str__(self)

    def __repr__(self) -> str:
        """Return a mask that does not tell the length."""
        return f"MaskedStr('{_MASK}')"

    def __rich_repr__(self) -> Iterator[str]:
        """Show the mask in rich, which cuts long strings before it calls `repr`."""
        yield _MASK

    def __getitem__(self, key: SupportsIndex | _Slice) -> MaskedStr:
        """Return the character or slice, masked as well."""
        return MaskedStr(str.__getitem__(self, key))


class MaskedBytes(Kept, bytes):
    """The `bytes` counterpart of `MaskedStr`, for binary secrets."""

    __slots__ = ()

    def reveal(self) -> bytes:
        """Return the value as plain `bytes`, which nothing masks any more."""
        return bytes(self)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> MaskedStr:
        """Return the decoded text, masked as well.

        Raises:
            UnicodeDecodeError: It is no such text; the error holds these bytes masked.
        """
        try:
            return MaskedStr(bytes.decode(self, encoding, errors))
        except UnicodeDecodeError as error:
            codec, start, end, reason = error.encoding, error.start, error.end, error.reason
        raise UnicodeDecodeError(codec, self, start, end, reason)

    def __repr__(self) -> str:
        """Return a mask that does not tell the length."""
        return f"MaskedBytes(b'{_MASK}')"

    __str__ = __repr__

    def __rich_repr__(self) -> Iterator[str]:
        """Show the mask in rich."""
        yield _MASK

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...

    @overload
    def __getitem__(self, key: _Slice) -> MaskedBytes: ...

    def __getitem__(self, key: SupportsIndex | _Slice) -> int | MaskedBytes:
        """Return the byte, or the slice, masked as well."""
        item = bytes.__getitem__(self, key)
        return item if isinstance(item, int) else MaskedBytes(item)


Value = MaskedStr | MaskedBytes


def masked(value: str | bytes) -> Value:
    """Return *value* as the masked type that belongs to it.

    Raises:
        TypeError: It is neither text nor bytes: a number would become that many zero bytes.
    """
    if isinstance(value, MaskedStr | MaskedBytes):
        return value
    if isinstance(value, str):
        return MaskedStr(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return MaskedBytes(value)
    raise TypeError(f"a value is str or bytes, not {type(value).__name__}")


def text_or_bytes(raw: bytes) -> Value:
    """Return *raw* as masked text if it is UTF-8, else as masked bytes; for backends that do not tell which it is."""
    try:
        return MaskedStr(raw, "utf-8")
    except UnicodeDecodeError:
        pass  # answered below, outside the handler: the exception holds the bytes
    return MaskedBytes(raw)
