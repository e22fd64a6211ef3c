"""Values: masked wherever they are shown, plain wherever they are used; and the documents they come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn, Self, SupportsIndex, TypeAlias, overload

from secretsource import _clock
from secretsource.errors import Reason

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Document", "MaskedBytes", "MaskedStr", "NotThere", "Secret", "Value", "masked", "text_or_bytes"]

# What `str` itself takes: `slice` alone would be a slice of anything.
_Slice: TypeAlias = "slice[SupportsIndex | None, SupportsIndex | None, SupportsIndex | None]"
_MASK = "********"
_PICKLE = (
    "a {} is not pickled, so that no value is written by accident; pickle .reveal() if that is what you want"
)


class _Kept:
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


class MaskedStr(_Kept, str):
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


class MaskedBytes(_Kept, bytes):
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
_NO_FIELDS: Mapping[str, Value] = MappingProxyType({})


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


class Document(_Kept):
    """What one call to a backend returns: the fields of one secret, all of one version. Frozen, and masked.

    Args:
        value: The whole value, where the backend has one: text or bytes.
        fields: The members of a structured secret, each text or bytes.
        version: The immutable id of this revision, where the backend has one.
        lease: Seconds for which the backend lets us use it, from now; `None` without limit.
        created: When this version was made, where the backend says so.
    """

    __slots__ = ("created", "fields", "lease", "value", "version")

    value: Value | None
    fields: Mapping[str, Value]
    version: str | None
    lease: float | None
    created: datetime | None

    def __init__(
        self,
        *,
        value: str | bytes | None = None,
        fields: Mapping[str, str | bytes] | None = None,
        version: str | None = None,
        lease: float | None = None,
        created: datetime | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "value", None if value is None else masked(value))
        put(
            self,
            "fields",
            MappingProxyType({k: masked(item) for k, item in fields.items()}) if fields else _NO_FIELDS,
        )
        put(self, "version", version)
        put(self, "lease", lease)
        put(self, "created", created)

    def __setattr__(self, key: str, value: object) -> NoReturn:
        """Refuse: a document is shared by all who read it.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError("a Document cannot be changed")

    def __repr__(self) -> str:
        """Return the version and the names of the fields."""
        return f"Document(version={self.version!r}, fields={sorted(self.fields)})"

    def pick(self, field_name: str | None) -> Value | None:
        """Return the field of that name, or the whole value for `None`; `None` if the document has it not."""
        return self.value if field_name is None else self.fields.get(field_name)


@dataclass(frozen=True, slots=True)
class NotThere:
    """A resolver's "I looked, it is not there", where it can say more than `None` does.

    Attributes:
        reason: ``MISSING``, ``DELETED`` or ``FIELD``.
        detail: Words from the fixed vocabulary, such as under which login it is not visible.
    """

    reason: Reason = Reason.MISSING
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Secret:
    """A resolved value, with where it came from, its version and its age. Frozen; its repr has all but the value.

    Attributes:
        name: The name or reference that was asked for.
        source: The configured name of the resolver that answered.
        location: Where it was found, as text without any value.
        version: The immutable id of this revision, where the backend has one.
        stale: Whether it is served past its ttl because the backend is down.
        lease: Seconds for which the backend lets us use it, counted from the fetch; `None` without limit.
    """

    name: str
    source: str
    location: str
    version: str | None = None
    stale: bool = False
    lease: float | None = None
    masked_value: Value = field(repr=False)
    fetched_at: float = field(repr=False)
    clock: _clock.Clock = field(default=_clock.now, repr=False)

    @property
    def value(self) -> MaskedStr:
        """The value as text.

        Raises:
            TypeError: The secret is binary; the message names ``value_bytes``.
        """
        if isinstance(self.masked_value, MaskedStr):
            return self.masked_value
        raise TypeError(f"{self.name!r} is binary: use get_secret_bytes() or Secret.value_bytes")

    @property
    def value_bytes(self) -> MaskedBytes:
        """The value as bytes; text is encoded as UTF-8."""
        if isinstance(self.masked_value, MaskedBytes):
            return self.masked_value
        return MaskedBytes(self.masked_value, "utf-8")

    @property
    def age(self) -> float:
        """Seconds since the backend was asked for it."""
        return max(0.0, self.clock() - self.fetched_at)

    def __repr__(self) -> str:
        """Return everything but the value."""
        return (
            f"Secret(name={self.name!r}, source={self.source!r}, location={self.location!r}, "
            f"version={self.version!r}, age={self.age:.1f}, stale={self.stale}, lease={self.lease})"
        )
