"""The moment by which an answer is wanted, passed down to every resolver."""

from __future__ import annotations

import sys
import time

__all__ = ["Deadline", "is_seconds"]

_LONGEST = 1_000_000.0  # seconds; what lies beyond, no operating system takes as a timeout


class Deadline:
    """A moment on the monotonic clock; what is left of it bounds every connection, read, retry and wait.

    A fetch that several callers share has one deadline: the latest of theirs, so it may be extended while it runs.
    Ask `remaining` before each step and do not keep the answer.
    """

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        """Set the deadline *seconds* from now.

        Args:
            seconds: At least 0; more than a million (11 days), such as `float("inf")`, counts as a million.
        """
        self._at = time.monotonic() + min(seconds, _LONGEST)

    @property
    def remaining(self) -> float:
        """The seconds that are left, never below 0."""
        return max(0.0, self._at - time.monotonic())

    @property
    def left(self) -> float:
        """The seconds that are left; below 0 afterwards."""
        return self._at - time.monotonic()

    @property
    def expired(self) -> bool:
        """Whether nothing is left."""
        return time.monotonic() >= self._at

    def extend(self, other: Deadline) -> None:
        """Move this deadline to *other* if that is later."""
        self._at = max(self._at, other._at)

    def __repr__(self) -> str:
        """Return what is left, for debugging."""
        return f"Deadline({self.remaining:.3f} s left)"


def is_seconds(value: object) -> bool:
    """Whether *value* is a number of seconds, 0 or more; infinity is one, and what no `float` can hold is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value <= sys.float_info.max or value == float("inf")
