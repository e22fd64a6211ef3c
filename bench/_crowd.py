"""A crowd: threads that read at the same moment, and what came of it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Rounds:
    """What the crowds of one cache got, one in each round, and the requests at the backend for it."""

    requests: list[int] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def waits(self) -> list[float]:
        """Seconds of each reader of all rounds."""
        return [wait for outcome in self.outcomes for wait in outcome.waits]

    @property
    def blocked(self) -> int:
        """How many readers of all rounds were blocked."""
        return sum(outcome.blocked for outcome in self.outcomes)

    @property
    def size(self) -> int:
        """The readers of one crowd."""
        return len(self.outcomes[0].waits)

    @property
    def served(self) -> int:
        """Readers with a value, in the worst round."""
        return min(len(outcome.waits) - len(outcome.errors) for outcome in self.outcomes)

    @property
    def stale(self) -> int:
        """Readers who were told that it is an old one, in the worst round."""
        return min(outcome.stale for outcome in self.outcomes)


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
