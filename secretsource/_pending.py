"""What a reader waits for: a fetch, and how long."""

from __future__ import annotations

import time

from secretsource._chain import Looked
from secretsource._deadline import Deadline
from secretsource._flight import Flight
from secretsource._record import Record
from secretsource.errors import DeadlineExceeded

__all__ = ["Pending"]

# The resolver has the same deadline, and knows more to say when it is over, such as which host did not answer.
_GRACE = 0.2  # seconds


class Pending(Record, kw_only=False):
    """A fetch under way, as one reader sees it.

    Attributes:
        flight: What it will bring.
        part: When this link must have answered.
        whole: When the reader's call is over.
        soon: Seconds after which this reader is content with an old value; infinite where there is none.
        since: When the reader began to wait, on `time.perf_counter`.
    """

    flight: Flight[Looked]
    part: Deadline
    whole: Deadline
    soon: float
    since: float

    @property
    def patience(self) -> float:
        """The seconds that the reader still waits."""
        until = min(self.part.left, self.whole.left) + _GRACE
        return min(until, self.soon - self.seconds, self.flight.stray_in)

    @property
    def seconds(self) -> float:
        """How long the reader has waited."""
        return time.perf_counter() - self.since

    @property
    def is_over(self) -> bool:
        """Whether there is an answer, or the reader's patience is at its end."""
        return self.flight.answer is not None or self.patience <= 0

    def looked(self) -> Looked:
        """Return what the fetch brought, or that it is too late."""
        if self.flight.answer is not None:
            return self.flight.answer
        return Looked(answer=DeadlineExceeded(f"waited for {self.seconds:.1f} s"), seconds=self.seconds)
