"""What a program says of a value: nothing that gives it away."""

from __future__ import annotations

import hashlib

__all__ = ["shown"]


def shown(value: str) -> str:
    """Return a digest."""
    return hashlib.sha256(value.encode()).hexdigest()
