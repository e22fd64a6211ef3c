"""The nearest known word to one that is not known, for messages."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest"]

_MOST = 200  # characters that are compared


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a message: the nearest of the *known* words, else all of them."""
    import difflib  # noqa: PLC0415 - only for messages

    words = sorted(known)
    close = difflib.get_close_matches(word[:_MOST], words, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known are: {', '.join(words)}" if words else "none are known"
