"""What a row of the matrix is: a fault, what is expected of each backend, and why one has no such cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.setting import Setting

__all__ = ["BOTH", "STATES", "WAYS", "Cell", "Expected", "Row", "Seen", "Table", "cells_of", "each"]

WAYS = ("sync", "async")
STATES = ("cold", "warm")
BOTH = ("sync and async",)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a reader gets.

    Attributes:
        outcome: ``value``, ``stale value``, other words for what is right, or the class of the error.
        reason: Of the error, or of the step that said "not there".
        asked: How often the place that fails is asked; `None` where that cannot be seen.
        least: Seconds that it takes at least.
        most: Seconds that it takes at most.
    """

    outcome: str
    reason: str = ""
    asked: int | None = None
    least: float = 0.0
    most: float = 2.5


@dataclass(slots=True)
class Seen:
    """What a cell has seen: what is compared with `Expected`, and the error itself."""

    outcome: str
    reason: str = ""
    asked: int | None = None
    seconds: float = 0.0
    error: BaseException | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One fault.

    Attributes:
        id: A short word, unique in the matrix.
        fault: It in words, for the page.
        act: Makes it happen; reading comes afterwards. Or does all of it, and returns what it has seen.
        expected: By backend, and then by state: ``cold`` or ``warm``.
        lacks: Backends that have no such cell, with why.
        ways: ``sync`` and ``async``, or the one word for a cell that does both by itself.
        place: What is counted: requests for a ``read``, for a ``login``, or ``connections``.
        timeout: Seconds that a reader gives it.
        stale_wait: Seconds that it waits with an old value in the cache.
        tls: Whether the server speaks TLS.
        logs_in: Whether AWS takes a role too.
        host: The name of the server, where its address will not do.
        commands: Whether a cell of a failing read runs the commands too.
        starts: What the cell stands on: a server that is ``played`` or ``real``, and so on.
    """

    id: str
    fault: str
    act: Callable[[Setting], Seen | None]
    expected: Mapping[str, Mapping[str, Expected]]
    lacks: Mapping[str, str] = field(default_factory=dict)
    ways: Sequence[str] = WAYS
    place: str = "read"
    timeout: float = 5.0
    stale_wait: float = 2.0
    tls: bool = False
    logs_in: bool = False
    host: str = ""
    commands: bool = True
    starts: str = "played"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that stand together on the page.

    Attributes:
        id: A short word.
        backends: The columns.
        rows: The faults.
    """

    id: str
    backends: Sequence[str]
    rows: Sequence[Row]

    def __post_init__(self) -> None:
        for row in self.rows:
            told = {*row.expected, *row.lacks}
            assert told == set(self.backends), f"{row.id} does not tell of {set(self.backends) ^ told}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault, one backend, one way to read, with or without a value in the cache."""

    table: str
    row: Row
    backend: str
    way: str
    state: str
    expected: Expected

    def __str__(self) -> str:
        return f"{self.row.id}-{self.backend}-{self.way.replace(' ', '-')}-{self.state}"


def cells_of(table: Table) -> list[Cell]:
    """Return the cells of a table."""
    return [
        Cell(table.id, row, backend, way, state, expected)
        for row in table.rows
        for backend, states in row.expected.items()
        for state, expected in states.items()
        for way in row.ways
    ]


def each(
    cold: Expected | None,
    warm: Expected | None,
    backends: Sequence[str] = ("aws", "vault", "conjur"),
    **other: Any,
) -> dict[str, Mapping[str, Expected]]:
    """Expect the same of all backends, except where *other* says something else."""
    same = {state: said for state, said in zip(STATES, (cold, warm), strict=True) if said is not None}
    expected: dict[str, Mapping[str, Expected]] = dict.fromkeys(backends, same)
    expected.update(other)
    return expected
