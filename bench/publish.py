"""Put the figures of one run into the pages: `python -m bench.publish bench.json`.

The tables of `docs/explanation/performance.md`, and the table and the sentences below it in the README, are made anew
from what `python -m bench --json` wrote. It has to be a run of all sections, with all the peers. The words around the
tables are not made anew, and have to be read again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.__main__ import SECTIONS
from bench._harness import Goal, Section, Table
from bench._page import replaced
from bench._readme import shortened

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "performance.md"
README = ROOT / "README.md"
GOALS = "## Goals, and what was reached"


def main(arguments: list[str] | None = None) -> int:
    """Rewrite both pages, or neither; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.publish", description=__doc__)
    parser.add_argument("file", help="what `python -m bench --json FILE` wrote")
    file = parser.parse_args(arguments).file
    run = json.loads(Path(file).read_text(encoding="utf-8"))
    sections = run["sections"]
    if lacking := [key for key in SECTIONS if key not in sections]:
        parser.error(f"{file} lacks the sections {', '.join(lacking)}: run without --only")
    if left_out := run.get("left_out"):
        parser.error(f"{file} is without {', '.join(left_out)}: run `make bench`, which installs them")
    tables = [Table(**table) for section in sections.values() for table in section["tables"]]
    found = [_goal(goal) for section in sections.values() for goal in section["goals"]]
    goals = Section(goals=found).goal_table("")
    try:
        page = filled(PAGE.read_text(encoding="utf-8"), tables, goals)
        readme = shortened(README.read_text(encoding="utf-8"), tables, goals)
    except LookupError as error:
        parser.error(f"{file} and the pages do not fit: {error}")
    PAGE.write_text(page, encoding="utf-8")
    README.write_text(readme, encoding="utf-8")
    return 0


def filled(page: str, tables: Sequence[Table], goals: Table) -> str:
    """Return *page* with all its tables made anew.

    Raises:
        LookupError: The page has no place for one of them.
    """
    for table in tables:
        page = replaced(page, f"### {table.title}", table)
    return replaced(page, GOALS, goals)


def _goal(found: Mapping[str, Any]) -> Goal:
    return Goal(found["what"], found["measured"], found["limit"], found["least"])


if __name__ == "__main__":
    sys.exit(main())
