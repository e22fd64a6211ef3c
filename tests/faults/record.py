"""Writing down what each cell has seen: a line of JSON each, in the file that ``FAULTS_RECORD`` names."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from tests.faults.cases import Cell, Seen

__all__ = ["VARIABLE", "noted", "record"]

VARIABLE = "FAULTS_RECORD"


def noted(cell: Cell, seen: Seen, *, texts: int, characters: int, leaked: int) -> dict[str, object]:
    """Return what is to be written down of a cell."""
    return {
        "cell": f"{cell.table}/{cell}",
        "row": f"{cell.table}/{cell.row.id}",
        "outcome": seen.outcome,
        "reason": seen.reason,
        "asked": seen.asked,
        "seconds": round(seen.seconds, 3),
        "texts": texts,
        "characters": characters,
        "leaked": leaked,
    }


def record(note: Mapping[str, object]) -> None:
    """Add a line, if there is such a file; several processes may do so at once."""
    file = os.environ.get(VARIABLE)
    if file:
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(note) + "\n")
