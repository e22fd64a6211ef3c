"""Measuring: interleaved rounds, medians with their spread, goals.

On a shared machine the speed of everything drifts from second to second. So candidates are never measured one after the
other: each round takes a short sample of every one of them, in a new order, and a ratio is the median of the ratios
within rounds.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

K = TypeVar("K")
Samples = dict[K, list[float]]

NOT_MEASURED = "not measured"
_order = random.Random()


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured; everything else follows from this.

    Attributes:
        share: Of the full run's time for each measurement.
        rounds: At least so many, however slow the machine.
    """

    share: float
    rounds: int

    def seconds(self, full: float) -> float:
        """Return the time for a measurement that takes *full* seconds in the full run."""
        return full * self.share


FULL = Effort(share=1.0, rounds=9)
QUICK = Effort(share=0.1, rounds=2)
TINY = Effort(share=0.0, rounds=1)


class Spread(NamedTuple):
    """A median, and the 10th and 90th percentile around it."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return median, 10 % and 90 % of *values*."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return Spread(statistics.median(values), tenths[0], tenths[-1])


def interleave(samples_of: Mapping[K, Callable[[], float]], effort: Effort, seconds: float) -> Samples[K]:
    """Take samples round by round, each round in a new order.

    Args:
        samples_of: By candidate, what takes one sample of it and returns a number.
        effort: How much of the time is spent, and how many rounds there are at least.
        seconds: How long the full run may take for this.
    """
    taken: Samples[K] = {key: [] for key in samples_of}
    keys = list(samples_of)
    end = time.monotonic() + effort.seconds(seconds)
    done = 0
    while done < effort.rounds or time.monotonic() < end:
        _order.shuffle(keys)
        for key in keys:
            taken[key].append(samples_of[key]())
        done += 1
    return taken


def ratios(samples: Sequence[float], reference: Sequence[float]) -> Spread:
    """Return the spread of the ratios within rounds."""
    return spread([one / other for one, other in zip(samples, reference, strict=True)])


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit for a ratio, and what it came to.

    Attributes:
        what: What is held against what.
        measured: The ratio, or `None` if it could not be measured.
        limit: The limit.
        least: The ratio must be at least the limit, not at most.
    """

    what: str
    measured: float | None
    limit: float
    least: bool = False

    @property
    def met(self) -> bool:
        """Whether the ratio is within the limit."""
        if self.measured is None:
            return False
        return self.measured >= self.limit if self.least else self.measured <= self.limit

    def cells(self) -> list[str]:
        """Return the row of a table of goals."""
        measured = NOT_MEASURED if self.measured is None else number(self.measured)
        limit = f"{'>=' if self.least else '<='} {number(self.limit)}"
        return [self.what, limit, measured, "ok" if self.met else "MISSED"]


@dataclass(slots=True)
class Table:
    """Rows of text under a heading; the first column is a label, the others are numbers."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the table with bars, which reads as plain text and as Markdown."""
        widths = [max(len(cell) for cell in column) for column in zip(self.columns, *self.rows, strict=True)]
        rule = [f":{'-' * (widths[0] - 1)}", *(f"{'-' * (width - 1)}:" for width in widths[1:])]
        lines = [_line(self.columns, widths), f"|{'|'.join(f' {cell} ' for cell in rule)}|"]
        lines += [_line(row, widths) for row in self.rows]
        return "\n".join([f"### {self.title}", "", *lines, ""])


@dataclass(slots=True)
class Section:
    """What one part of the run found out."""

    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)

    def goal_table(self, title: str) -> Table:
        """Return the goals as a table."""
        return Table(title, ["goal", "limit", "measured", ""], [goal.cells() for goal in self.goals])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *others]) + " |"


def number(value: float) -> str:
    """Return *value* with about three figures."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.1 or not size else f"{value:.3f}"


def between(found: Spread, scale: float = 1.0) -> str:
    """Return the 10 % and the 90 % mark."""
    return f"{number(found.low * scale)}-{number(found.high * scale)}"
