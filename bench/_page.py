"""Tables in a page: where one stands, and another in its place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from bench._harness import Table


def replaced(page: str, heading: str, table: Table) -> str:
    """Return *page* with *table* in the place of the first one under *heading*.

    Raises:
        LookupError: There is no such heading, or no table under it.
    """
    lines = page.splitlines()
    if heading not in lines:
        raise LookupError(f"the page has no heading {heading!r}")
    below = lines.index(heading) + 1
    text = takewhile(lambda line: not line.startswith("#"), lines[below:])
    start = next((at for at, line in enumerate(text, below) if line.startswith("|")), None)
    if start is None:
        raise LookupError(f"there is no table under {heading!r}")
    return "\n".join([*lines[:start], *_rows(table), *lines[end_of_table(lines, start) :], ""])


def end_of_table(lines: Sequence[str], start: int) -> int:
    """Return where the table that begins at *start* is over."""
    return next((at for at in range(start, len(lines)) if not lines[at].startswith("|")), len(lines))


def _rows(table: Table) -> list[str]:
    return [line for line in str(table).splitlines() if line.startswith("|")]
