"""The tables of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.blocks import ROOT

__all__ = ["code_in", "table_under"]

_CELLS = re.compile(r"(?<!\\)\|")


def table_under(page: str, heading: str, first: str) -> list[dict[str, str]]:
    """Return the rows of the first table under *heading* whose first column is named *first*.

    Args:
        page: Its path below ``docs``.
        heading: With its ``#`` signs.
        first: The head of the table's first column.
    """
    lines = iter(Path(ROOT, "docs", page).read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line == heading:
            break
    for line in lines:
        if line.startswith(f"| {first} |"):
            return _rows(_cells(line), lines)
    raise AssertionError(f"{page} has no table of {first!r} under {heading!r}")


def _rows(head: list[str], lines: Iterator[str]) -> list[dict[str, str]]:
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells = _cells(line)
        assert len(head) == len(cells), line
        rows.append(dict(zip(head, cells, strict=True)))
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELLS.split(line.strip().strip("|"))]


def code_in(cell: str) -> list[str]:
    """Return what stands in backticks in *cell*."""
    return re.findall(r"`([^`]*)`", cell)
