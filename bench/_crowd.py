"""A crowd: threads that read at the same moment, and what came of it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CROWD = 64
BLOCKED = 0.05  # seconds; a reader who waited longer was blocked


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a crowd got.

    Attributes:
        waits: Seconds of each reader.
        errors: The type of each error.
        stale: Readers who were told that their value is an old one.
    """

    waits: Sequence[float]
    errors: Sequence[str]
    stale: int

    @property
    def blocked(self) -> int:
        """How many readers were blocked."""
        return sum(wait > BLOCKED for wait in self.waits)

    @property
    def kinds(self) -> str:
        """The types of the errors, each once."""
        return ", ".join(sorted(set(self.errors)))


def crowd(read: Callable[[], object], size: int = CROWD) -> Outcome:
    """Let *size* threads read at once."""
    barrier = threading.Barrier(size)
    waits: list[float] = []
    errors: list[str] = []
    stale: list[bool] = []

    def work() -> None:
        barrier.wait()
        start = time.perf_counter()
        try:
            found = read()
        except Exception as error:
            waits.append(time.perf_counter() - start)
            errors.append(type(error).__name__)
        else:
            waits.append(time.perf_counter() - start)
            stale.append(getattr(found, "stale", False) is True)

    threads = [threading.Thread(target=work) for _ in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Outcome(waits, errors, sum(stale))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of *values* that *share* of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
