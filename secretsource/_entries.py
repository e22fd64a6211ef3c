"""What is kept of an answer, and what a name in use is answered from: its direct entry, a `Hit`.

Most secrets are a text and nothing else, and are read by one name. For them one object is both.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from secretsource._secret import Document, MaskedStr, NotThere, Secret, Value

__all__ = ["Entry", "Hit", "Whole", "distrusted", "entry_of"]

_NO_DOCUMENT: Final = Document()


class _Kept:
    """One answer of a backend, and the names that are answered from it.

    Attributes:
        fetched_at: When it was asked for, on the store's clock: ages count from there, not from when it came.
        number: That of the flight that brought it, and of no other answer; a higher one is newer.
        used: Set by hits without a lock, looked at by eviction.
    """

    __slots__ = ("_names", "fetched_at", "number", "used")

    def __init__(self, *, fetched_at: float, number: int) -> None:
        self.fetched_at = fetched_at
        self.number = number
        self.used = False
        self._names: str | tuple[str, ...] = ()  # most answers are read by one name: no tuple for that

    @property
    def names(self) -> tuple[str, ...]:
        """The names whose direct entries rest on this answer."""
        return (self._names,) if isinstance(self._names, str) else self._names

    def add_name(self, name: str) -> None:
        """Note that the direct entry of *name* rests on this answer."""
        self._names = self._names or name  # in one step: of two names that come together one is the first
        if name not in self.names:
            self._names = (*self.names, name)

    def drop_names(self) -> None:
        """Note that no direct entry rests on this answer any more."""
        self._names = ()

    def hit_for(self, name: str, value: Value, until: float, secret: Secret | None = None) -> Hit:
        """Return a direct entry that rests on this answer.

        Args:
            name: Whose, one of `names`.
            value: What the answer holds for it.
            until: The moment, on the store's clock, from which readers take the longer way.
            secret: What a reader of the store gets, where the answer alone does not tell that.
        """
        del name
        hit = Hit(value, fetched_at=self.fetched_at, number=self.number)
        hit.until, hit.secret = until, secret
        return hit


class Whole(_Kept):
    """An answer as it came: a document, or that it is not there."""

    __slots__ = ("answer", "distrusted")

    def __init__(self, answer: Document | NotThere, *, fetched_at: float, number: int) -> None:
        """Keep an answer."""
        super().__init__(fetched_at=fetched_at, number=number)
        self.answer = answer
        self.distrusted = False  # a TLS verification has failed since: it is not served past its ttl

    @property
    def is_there(self) -> bool:
        """Whether the answer is a document."""
        return isinstance(self.answer, Document)

    @property
    def document(self) -> Document:
        """The document; an empty one where the answer is that it is not there."""
        return self.answer if isinstance(self.answer, Document) else _NO_DOCUMENT

    @property
    def has_fields(self) -> bool:
        """Whether it is structured."""
        return self.document.has_fields

    @property
    def version(self) -> str | None:
        """The immutable id of this revision, where the backend has one."""
        return self.document.version

    @property
    def lease(self) -> float | None:
        """Seconds for which the backend lets us use it, from the question on; `None` without limit."""
        return self.document.lease

    def pick(self, field: str | None) -> Value | None:
        """Return the field of that name, or the whole value for `None`; `None` if it has that not."""
        return self.document.pick(field)


class Hit(_Kept):
    """A text, and until when readers may take it without looking any further.

    It is all that a backend has said, or what one name finds in it. Readers use it without a lock: the text, and the
    name it is for, stay the same for as long as it lives.
    """

    __slots__ = ("secret", "text", "until")

    # What it says as an answer, where a `Whole` looks into its document.
    is_there: Final = True
    has_fields: Final = False
    version: Final = None
    lease: Final = None
    distrusted: Final = False  # one that is distrusted becomes a `Whole`

    def __init__(self, value: Value | None, *, fetched_at: float, number: int) -> None:
        """Keep a value; no name is answered from it yet."""
        super().__init__(fetched_at=fetched_at, number=number)
        self.text = value if isinstance(value, MaskedStr) else None  # bytes stand in the secret alone
        self.secret: Secret | None = None  # what a reader of the store gets; made when there is one
        self.until = float("-inf")

    @property
    def answer(self) -> Document:
        """What the backend said; made anew each time."""
        return Document(value=self.text)

    def pick(self, field: str | None) -> Value | None:
        """Return the text, which is the whole value; it has no fields."""
        return self.text if field is None else None

    def drop_names(self) -> None:
        """Note that no direct entry rests on this answer any more; it stays the one of its first name."""
        self._names = self.names[:1]

    def hit_for(self, name: str, value: Value, until: float, secret: Secret | None = None) -> Hit:
        """Return this object where it says all that a reader of its first name gets, else another one."""
        if secret is not None or name != self.names[0]:
            return super().hit_for(name, value, until, secret)
        self.until = until
        return self


Entry: TypeAlias = Whole | Hit
"""What the cache keeps of one answer."""


def entry_of(answer: Document | NotThere, *, fetched_at: float, number: int) -> Entry:
    """Return the entry that keeps an answer in the least memory."""
    if type(answer) is Document and isinstance(answer.value, MaskedStr) and _is_bare(answer):
        return Hit(answer.value, fetched_at=fetched_at, number=number)
    return Whole(answer, fetched_at=fetched_at, number=number)


def distrusted(entry: Entry) -> Whole:
    """Return what is kept from now on of an answer that is not served past its ttl any more.

    It is another object, so that what was looked at before makes no direct entry.
    """
    whole = Whole(entry.answer, fetched_at=entry.fetched_at, number=entry.number)
    whole.used, whole.distrusted = entry.used, True
    return whole


def _is_bare(document: Document) -> bool:
    """Whether a document has nothing besides its value."""
    besides = (document.version, document.lease, document.created)
    return besides == (None, None, None) and not document.has_fields
