"""Put the figures of one run into the pages: `python -m bench.publish bench.json`.

The tables of `docs/explanation/performance.md` and the one in the README are made anew from what
`python -m bench --json` wrote; the words around them are not, and have to be read again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench._harness import Goal, Table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "performance.md"
README = ROOT / "README.md"
GOALS = "## Goals, and what was reached"
SHORT = "| measured in one run |"

# What the README shows: its words, the table and column it is from, and the row of each cache there.
_CACHES = (
    "secretsource",
    "powertools SecretsProvider",
    "aws-secretsmanager-caching",
    "cachetools @cached, lock",
    "cachetools @cached, condition",
)
_HITS = (
    "secretsource get_secret(name)",
    "powertools get_secret(max_age=)",
    "aws-secretsmanager-caching get_secret_string",
    "cachetools @cached(TTLCache, lock)",
    "cachetools @cached(TTLCache, condition)",
)
_OLD = ("secretsource, in use", *_CACHES[1:])
_MEMORY = ("secretsource get_secret", *_CACHES[1:3], *("cachetools TTLCache",) * 2)
PICKS = (
    ("a cached read, times the floor (a dictionary and a clock)", "One thread", "x floor", _HITS),
    ("with eight threads, of the rate with one", "Eight threads", "8 / 1", _HITS),
    ("requests for 64 threads and an empty cache", "The backend answers after", "requests", _CACHES),
    (
        "the same, while the backend fails (one reader alone: 3)",
        "The backend answers 500 after 20 ms",
        "requests",
        _CACHES,
    ),
    ("readers blocked as the value gets old", "64 threads as the value gets old", "readers blocked", _OLD),
    ("served while the backend fails", "The backend answers 500 after 20 ms, the value", "served", _OLD),
    ("bytes of memory for an entry", "Bytes for an entry", "filled, bytes/entry", _MEMORY),
)


def main(arguments: list[str] | None = None) -> int:
    """Rewrite both pages; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.publish", description=__doc__)
    parser.add_argument("file", help="what `python -m bench --json FILE` wrote")
    sections = json.loads(Path(parser.parse_args(arguments).file).read_text(encoding="utf-8"))["sections"]
    tables = [Table(**table) for section in sections.values() for table in section["tables"]]
    goals = [_goal(goal) for section in sections.values() for goal in section["goals"]]
    page = PAGE.read_text(encoding="utf-8")
    for table in tables:
        page = replaced(page, f"### {table.title}", table)
    page = replaced(
        page, GOALS, Table("", ["goal", "limit", "measured", ""], [goal.cells() for goal in goals])
    )
    PAGE.write_text(page, encoding="utf-8")
    README.write_text(shortened(README.read_text(encoding="utf-8"), tables), encoding="utf-8")
    return 0


def replaced(page: str, heading: str, table: Table) -> str:
    """Return *page* with *table* in the place of the first one under *heading*.

    Raises:
        LookupError: There is no such heading, or no table under it.
    """
    lines = page.splitlines()
    if heading not in lines:
        raise LookupError(f"the page has no heading {heading!r}")
    start = lines.index(heading) + 1
    while start < len(lines) and not lines[start].startswith("|"):
        if lines[start].startswith("#"):
            raise LookupError(f"there is no table under {heading!r}")
        start += 1
    return "\n".join([*lines[:start], *_rows(table), *lines[_end(lines, start) :], ""])


def shortened(page: str, tables: Sequence[Table]) -> str:
    """Return the README *page* with its table made anew from *tables*."""
    lines = page.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(SHORT))
    rows = [
        f"| {words} | {' | '.join(_picked(tables, title, column, labels))} |"
        for words, title, column, labels in PICKS
    ]
    return "\n".join([*lines[: start + 2], *rows, *lines[_end(lines, start) :], ""])


def _picked(tables: Sequence[Table], title: str, column: str, labels: Sequence[str]) -> list[str]:
    table = min((each for each in tables if each.title.startswith(title)), key=lambda each: len(each.title))
    place = list(table.columns).index(column)
    cells = {row[0]: row[place] for row in table.rows}
    return [cells[label] for label in labels]


def _rows(table: Table) -> list[str]:
    return [line for line in str(table).splitlines() if line.startswith("|")]


def _end(lines: Sequence[str], start: int) -> int:
    """Return where the table that begins at *start* is over."""
    return next((at for at in range(start, len(lines)) if not lines[at].startswith("|")), len(lines))


def _goal(found: Mapping[str, Any]) -> Goal:
    return Goal(found["what"], found["measured"], found["limit"], found["least"])


if __name__ == "__main__":
    sys.exit(main())
