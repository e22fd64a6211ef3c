"""What a backend returns, a document, and what a reader gets, a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from secretsource import _clock
from secretsource._deadline import is_seconds
from secretsource._masked import Kept, MaskedBytes, MaskedStr, Value, masked, text_or_bytes
from secretsource._record import Record
from secretsource.errors import Reason

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Document", "MaskedBytes", "MaskedStr", "NotThere", "Secret", "Value", "masked", "text_or_bytes"]


class Document(Kept):
    """What one call to a backend returns: the fields of one secret, all of one version. Frozen, and masked.

    Args:
        value: The whole value, where the backend has one: text or bytes.
        fields: The members of a structured secret, each text or bytes.
        version: The immutable id of this revision, where the backend has one.
        lease: Seconds for which the backend lets us use it, from now; `None` without limit.
        created: When this version was made, where the backend says so.
    """

    __slots__ = ("_members", "created", "lease", "value", "version")

    value: Value | None
    version: str | None
    lease: float | None
    created: datetime | None
    _members: tuple[str | Value, ...]

    def __init__(
        self,
        *,
        value: str | bytes | None = None,
        fields: Mapping[str, str | bytes] | None = None,
        version: str | None = None,
        lease: float | None = None,
        created: datetime | None = None,
    ) -> None:
        if lease is not None and not is_seconds(lease):
            told = lease if isinstance(lease, int | float) else type(lease).__name__
            raise ValueError(f"lease must be a number of seconds, 0 or more, not {told}")
        put = object.__setattr__
        put(self, "value", None if value is None else masked(value))
        # Names and values in turns: a dictionary takes 200 bytes more, and most documents have one field or two.
        members = [part for key, item in (fields or {}).items() for part in (key, masked(item))]
        put(self, "_members", tuple(members))
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
        names = sorted(getattr(self, "_members", ())[::2])
        return f"Document(version={getattr(self, 'version', None)!r}, fields={names})"

    @property
    def fields(self) -> Mapping[str, Value]:
        """The members of a structured secret; none where it has no structure."""
        return MappingProxyType(dict(self._pairs()))

    @property
    def has_fields(self) -> bool:
        """Whether the secret is structured."""
        return bool(self._members)

    def pick(self, field_name: str | None) -> Value | None:
        """Return the field of that name, or the whole value for `None`; `None` if the document has it not."""
        if field_name is None:
            return self.value
        return next((item for key, item in self._pairs() if key == field_name), None)

    def prolonged(self, lease: float) -> Document:
        """Return the same document with a lease of that many seconds from now."""
        return Document(
            value=self.value, fields=self.fields, version=self.version, lease=lease, created=self.created
        )

    def _pairs(self) -> Iterator[tuple[str, Value]]:
        parts = iter(self._members)
        return zip(parts, parts, strict=True)  # type: ignore[arg-type]  # names and values in turns


class NotThere(Record, kw_only=False):
    """A resolver's "I looked, it is not there", where it can say more than `None` does.

    Attributes:
        reason: ``MISSING``, ``DELETED`` or ``FIELD``.
        detail: Words from the fixed vocabulary, such as under which login it is not visible.
        may_be_hidden: Whether the backend says the same to a login that may not see it.
    """

    reason: Reason = Reason.MISSING
    detail: str = ""
    may_be_hidden: bool = False


class Secret(Record, eq=False):
    """A resolved value, with where it came from, its version and its age. Frozen; its repr has all but the value.

    Attributes:
        name: The name or reference that was asked for.
        source: The configured name of the resolver that answered.
        location: Where it was found, as text without any value.
        version: The immutable id of this revision, where the backend has one.
        stale: Whether it is served past its ttl, because the backend is down or late; also where an old "not there"
            of a link before it stands for an answer.
        lease: Seconds for which the backend lets us use it, counted from the fetch; `None` without limit.
    """

    name: str
    source: str
    location: str
    version: str | None = None
    stale: bool = False
    lease: float | None = None
    masked_value: Value
    fetched_at: float
    clock: _clock.Clock = _clock.now

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
        return MaskedBytes(self.masked_value, "utf-8", "surrogatepass")  # JSON may hold half of a pair

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
