"""Fetches that hang until a test lets them go on."""

from __future__ import annotations

import threading

__all__ = ["Gate"]


class Gate:
    """Holds the fetches of a `MemoryResolver`; see `MemoryResolver.held`."""

    def __init__(self) -> None:
        """Start closed."""
        self._changed = threading.Condition()
        self._come = 0
        self._open = False

    def hold(self) -> None:
        """Wait, without any limit, until the gate is opened."""
        with self._changed:
            self._come += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open)

    def wait_for(self, count: int = 1, *, timeout: float = 10.0) -> None:
        """Wait until that many fetches have come and are held.

        Args:
            count: How many.
            timeout: Seconds, after which the test has failed.

        Raises:
            TimeoutError: They did not come in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._come >= count, timeout):
                raise TimeoutError(f"{self._come} of {count} fetches came within {timeout} s")

    def release(self) -> None:
        """Let every fetch go on, the held ones and those to come."""
        with self._changed:
            self._open = True
            self._changed.notify_all()
