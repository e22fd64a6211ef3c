"""What a terminal is shown: plain text, and tables of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

__all__ = ["WIDTH", "printable", "table"]

WIDTH = 100
"""Columns of a terminal that a table which is fitted takes at most."""

_GAP = "  "
_NARROWEST = 8


def printable(text: str) -> str:
    """Return *text* with control characters, and whatever else a terminal may obey, escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def table(rows: Sequence[Sequence[str]], *, width: int | None = None) -> str:
    """Return *rows*, the first of which is the head, with their columns aligned.

    Args:
        rows: Their cells, as many in each.
        width: Columns of the terminal that all of it may take: then what is longer goes on below, and what is empty
            below its head is left out. As wide as it is without.
    """
    columns = [[printable(cell) for cell in column] for column in zip(*rows, strict=True)]
    if width is not None:
        columns = [column for column in columns if any(column[1:])]
    rows = list(zip(*columns, strict=True))
    widths = [max(map(len, column)) for column in columns]
    while width is not None and sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        if max(widths) <= _NARROWEST:
            break
        widths[widths.index(max(widths))] -= 1
    head, *others = [_lines(row, widths) for row in rows]
    rule = _GAP.join("-" * width for width in widths)
    return "\n".join([*head, rule, *(line for lines in others for line in lines)])


def _lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [_pieces(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, cells))
    padded = [[*cell, *[""] * (height - len(cell))] for cell in cells]
    return [
        _GAP.join(piece.ljust(width) for piece, width in zip(pieces, widths, strict=True)).rstrip()
        for pieces in zip(*padded, strict=True)
    ]


def _pieces(cell: str, width: int) -> list[str]:
    if len(cell) <= width:
        return [cell]
    return textwrap.wrap(cell, width, break_on_hyphens=False) or [""]
