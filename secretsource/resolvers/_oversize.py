"""Whether one value is larger than the setting ``max_bytes`` allows."""

from __future__ import annotations

__all__ = ["is_larger"]

_LONGEST_CHARACTER = 4  # bytes of UTF-8


def is_larger(value: str | bytes, max_bytes: int) -> bool:
    """Whether *value*, text as UTF-8, has more than *max_bytes* bytes; encoded only where its length leaves it open."""
    if isinstance(value, bytes) or len(value) > max_bytes:
        return len(value) > max_bytes
    if len(value) * _LONGEST_CHARACTER <= max_bytes:
        return False
    return len(value.encode("utf-8", "surrogatepass")) > max_bytes
