"""The one clock that ages are measured on: no change of the wall clock moves it, and a suspend counts."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

__all__ = ["Clock", "now"]

Clock = Callable[[], float]


def _system_clock() -> Clock:
    """Return the boot-time clock where the system has one (Linux): `time.monotonic` stops there during a suspend."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return functools.partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    return time.monotonic


now: Clock = _system_clock()
