"""Put what one run of the matrix has seen into its page: `python -m tests.faults.publish faults.jsonl`.

The file is what the cells have written down, with ``FAULTS_RECORD`` naming it. It has to be a run of all cells. The
tables of `docs/explanation/faults.md` are made anew; the words around them are not, and have to be read again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from secretsource import errors
from tests.faults.cases import STATES, Cell, Expected, Row, Table, cells_of
from tests.faults.matrix import MATRIX

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "faults.md"
NOT_RUN = "…"

Notes = Mapping[str, Mapping[str, Any]]

_HEAD = ("fault", "where", "cold", "warm", "asked", "longest")
_NAMES = {
    "aws": "AWS",
    "vault": "Vault",
    "conjur": "Conjur",
    "env": "`env`",
    "dotenv": "`dotenv`",
    "files": "`files`",
    "any": "any",
}


def main(arguments: list[str] | None = None) -> int:
    """Rewrite the page; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.publish", description=__doc__)
    parser.add_argument("file", help="what the cells have written down")
    file = parser.parse_args(arguments).file
    notes = read_notes(Path(file).read_text(encoding="utf-8"))
    lacking = [str(cell) for table in MATRIX for cell in cells_of(table) if key_of(cell) not in notes]
    if lacking:
        parser.error(f"{file} lacks {len(lacking)} cells, such as {lacking[0]}: run all of tests/faults")
    try:
        page = filled(PAGE.read_text(encoding="utf-8"), notes)
    except LookupError as error:
        parser.error(str(error))
    PAGE.write_text(page, encoding="utf-8")
    return 0


def read_notes(lines: str) -> Notes:
    """Return what each cell has written down; of two notes of one cell, the later one."""
    return {note["cell"]: note for note in map(json.loads, lines.splitlines())}


def key_of(cell: Cell) -> str:
    """Return what a cell is called in the notes."""
    return f"{cell.table}/{cell}"


def filled(page: str, notes: Notes) -> str:
    """Return *page* with all that is between its marks made anew.

    Raises:
        LookupError: The page has no place for a table.
    """
    for table in MATRIX:
        page = _between(page, table.id, written(table, notes))
    return _between(page, "totals", totals(notes))


def totals(notes: Notes) -> str:
    """Return how much was tried, and how much of it was looked through."""
    cells = [cell for table in MATRIX for cell in cells_of(table)]
    rows = sum(len(table.rows) for table in MATRIX)
    texts, characters, leaked = (_sum(notes, key) for key in ("texts", "characters", "leaked"))
    return (
        "| faults | cells | texts looked through | characters in them | secrets found |\n|--:|--:|--:|--:|--:|\n"
        f"| {rows} | {len(cells):,} | {texts} | {characters} | {leaked} |"
    )


def _sum(notes: Notes, key: str) -> str:
    return f"{sum(note[key] for note in notes.values()):,}" if notes else NOT_RUN


def written(table: Table, notes: Notes) -> str:
    """Return one table: a line for each fault and all backends that say the same of it."""
    return "\n".join(
        [
            _joined(_HEAD),
            "|---|---|---|---|---|--:|",
            *(line for row in table.rows for line in _lines(table, row, notes)),
        ]
    )


def _lines(table: Table, row: Row, notes: Notes) -> Iterator[str]:
    said: dict[tuple[str, ...], list[str]] = {}
    for backend in table.backends:
        cells = (f"not tried: {row.lacks[backend]}", "", "") if backend in row.lacks else _cells(row, backend)
        said.setdefault(cells, []).append(_NAMES[backend])
    # What was tried stands before what there is not.
    for number, (cells, where) in enumerate(sorted(said.items(), key=lambda each: each[0][1:] == ("", ""))):
        first = number == 0
        yield _joined(
            [
                row.fault if first else "",
                ", ".join(where),
                *cells,
                _longest(table, row, notes) if first else "",
            ]
        )


def _cells(row: Row, backend: str) -> tuple[str, ...]:
    """Return what a reader gets with nothing in the cache, and with an old value; and how often the place is asked."""
    states = row.expected[backend]
    outcomes = [_words(states[state]) if state in states else "" for state in STATES]
    asked = ["" if (expected := states.get(state)) is None else expected.asked for state in STATES]
    counted = [str(number) for number in asked if number not in {"", None}]
    return (*outcomes, ", ".join(counted) if len(set(counted)) > 1 else "".join(counted[:1]) or "")


def _words(expected: Expected) -> str:
    outcome = f"`{expected.outcome}`" if hasattr(errors, expected.outcome) else expected.outcome
    return f"{outcome} ({expected.reason})" if expected.reason else outcome


def _longest(table: Table, row: Row, notes: Notes) -> str:
    seconds = [note["seconds"] for note in notes.values() if note["row"] == f"{table.id}/{row.id}"]
    return f"{max(seconds):.1f} s" if seconds else NOT_RUN


def _joined(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _between(page: str, mark: str, text: str) -> str:
    opening, closing = f"<!-- {mark} -->\n", f"\n<!-- end of {mark} -->"
    before, found, rest = page.partition(opening)
    _, also, after = rest.partition(closing)
    if not found or not also:
        raise LookupError(f"the page has no place for {mark!r}")
    return f"{before}{opening}{text}{closing}{after}"


if __name__ == "__main__":
    sys.exit(main())
