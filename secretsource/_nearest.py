"""The nearest known word to one that is not known, for messages."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest"]

_MOST = 200  # characters that are compared


def nearest(word: str, known: Iterable[str], prefix: str = "") -> str:
    """Return the end of a message: the nearest of the *known* words, else all of them.

    Args:
        word: The one that is not known.
        known: Those that are.
        prefix: What stands before all of them, and is shown; compared, it would make any of them look near.
    """
    import difflib  # noqa: PLC0415 - only for messages

    words = sorted(known)
    close = difflib.get_close_matches(word[:_MOST], words, n=1)
    if close:
        return f"did you mean {prefix + close[0]!r}?"
    return f"known are: {', '.join(prefix + each for each in words)}" if words else "none are known"
