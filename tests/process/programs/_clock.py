"""The clock of a program."""

from __future__ import annotations

__all__ = ["Clock"]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
