"""What a terminal is shown: plain text, and tables of it."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["printable", "table"]


def printable(text: str) -> str:
    """Return *text* with control characters, and whatever else a terminal may obey, escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return *rows*, the first of which is the head, with their columns aligned."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
