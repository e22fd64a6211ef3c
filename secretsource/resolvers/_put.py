"""What every `put` says alike: that there are no versions to compare, and that another value was read back."""

from __future__ import annotations

from secretsource.errors import WriteConflict

__all__ = ["NOT_THE_SAME", "NO_TEXT", "check_unversioned", "is_text"]

NOT_THE_SAME = "what was read back is not what was written"
NO_TEXT = "half of a surrogate pair, which is no text"


def check_unversioned(expected: str | None, holder: str, location: object) -> None:
    """Check that no version is expected, where there are none.

    Args:
        expected: What the caller of `put` expects.
        holder: What keeps no versions, such as "a key store".
        location: Where it is to be written.

    Raises:
        WriteConflict: One is expected: whatever is there, it is not that version.
    """
    if expected is not None:
        raise WriteConflict(
            f"{holder} has no versions to compare: leave expected out", location=str(location)
        )


def is_text(value: str) -> bool:
    """Whether UTF-8 has bytes for all of *value*: for half of a surrogate pair it has none."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
