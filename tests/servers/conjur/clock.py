"""The stand-in's clock."""

import datetime
import time


class Clock:
    """Wall-clock time that a test can push forward instead of sleeping."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Push the clock forward by *seconds*."""
        self._ahead += seconds


def iso(moment: float) -> str:
    """Write *moment* as Conjur does: UTC, milliseconds, a numeric offset."""
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="milliseconds")
