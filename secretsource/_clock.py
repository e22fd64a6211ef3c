"""The one clock that ages are measured on: no change of the wall clock moves it, and a suspend counts."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

__all__ = ["Clock", "now"]

Clock = Callable[[], float]


def _system_clock() -> Clock:
    """Return the clock that runs on during a suspend: `time.monotonic` stops then on Linux and on macOS."""
    for name in (
        "CLOCK_BOOTTIME",
        "CLOCK_MONOTONIC",
    ):  # Linux; macOS, where the latter is not what Python uses
        clock_id: int | None = getattr(time, name, None)
        if clock_id is not None:
            return functools.partial(time.clock_gettime, clock_id)
    return time.monotonic


now: Clock = _system_clock()
