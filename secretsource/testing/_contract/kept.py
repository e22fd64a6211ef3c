"""Values of the contract: made at run time, and hidden from every traceback that shows local variables."""

from __future__ import annotations

import logging
import pickle
import secrets
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

__all__ = ["Canary", "Kept", "heard", "leaks", "new_path", "pickled", "printed"]


class Kept:
    """A plain value, or `None`, that shows only its type and size."""

    __slots__ = ("plain",)

    def __init__(self, plain: str | bytes | None) -> None:
        """Keep *plain*."""
        self.plain = plain

    def __eq__(self, other: object) -> bool:
        """Whether the other one is the same value of the same type."""
        return isinstance(other, Kept) and type(self.plain) is type(other.plain) and self.plain == other.plain

    def __hash__(self) -> int:
        """Return the hash of the value."""
        return hash(self.plain)

    def __repr__(self) -> str:
        """Return type and size."""
        if self.plain is None:
            return "<no value>"
        return f"<{type(self.plain).__name__} of length {len(self.plain)}>"


class Canary(Kept):
    """A new value that is nowhere else."""

    __slots__ = ()

    def __init__(self) -> None:
        """Make it."""
        super().__init__(f"canary{secrets.token_hex(16)}")

    @property
    def text(self) -> str:
        """The plain value."""
        return str(self.plain)


def new_path() -> str:
    """Return a name of one segment that no other test uses."""
    return f"contract{secrets.token_hex(6)}"


def leaks(secret: Iterable[Kept], shown: Iterable[str | bytes]) -> list[str]:
    """Return which of the texts hold one of the secrets: their places in order, not the texts."""
    plains = [kept.plain for kept in secret if isinstance(kept.plain, str)]
    return [
        f"text {number}"
        for number, text in enumerate(shown, 1)
        if any((plain.encode() if isinstance(text, bytes) else plain) in text for plain in plains)  # type: ignore[operator]
    ]


def printed(error: BaseException) -> str:
    """Return everything that a log or an error tracker could show of *error*, local variables included."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return "".join(lines) + repr(error) + str(error) + repr(vars(error))


@contextmanager
def heard() -> Iterator[list[str]]:
    """Yield a list that fills with what any logger says while the block runs, from DEBUG on."""
    lines: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage() + repr(vars(record)))

    handler, root = Listening(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def pickled(item: object) -> bytes:
    """Return the pickle of *item*, or nothing if it refuses."""
    try:
        return pickle.dumps(item)
    except Exception:  # noqa: BLE001 - refusing is right, in whatever way
        return b""
