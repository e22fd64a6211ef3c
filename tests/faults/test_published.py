"""The page has every fault and every outcome of the matrix, and no others."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import publish
from tests.faults.cases import Seen, cells_of
from tests.faults.matrix import MATRIX
from tests.faults.record import VARIABLE, noted, record


def without_figures(page: str) -> str:
    """Return *page* without what only a run can tell: how long it took, and how much was looked through."""
    page = re.sub(r"\| (?:\d+\.\d s|…) \|$", "| … |", page, flags=re.MULTILINE)
    return re.sub(r"^(\| \d+ \| [\d,]+) \| .*$", r"\1 | … |", page, flags=re.MULTILINE)


def test_the_page_is_what_the_matrix_says() -> None:
    page = publish.PAGE.read_text("utf-8")
    assert without_figures(publish.filled(page, {})) == without_figures(page)


def test_no_cell_of_the_page_has_leaked() -> None:
    assert re.search(r"\| 0 \|\n<!-- end of totals -->", publish.PAGE.read_text("utf-8"))


def test_each_fault_has_a_name_of_its_own() -> None:
    ids = Counter(row.id for table in MATRIX for row in table.rows)
    keys = Counter(publish.key_of(cell) for table in MATRIX for cell in cells_of(table))
    assert [] == [key for key, count in keys.items() if count > 1]
    assert [] == [
        id for table in MATRIX for id, count in Counter(row.id for row in table.rows).items() if count > 1
    ]
    assert len(ids) > 100


def test_a_figure_of_the_run_goes_into_its_row() -> None:
    table = MATRIX[0]
    cell = cells_of(table)[0]
    note = noted(cell, Seen("x", seconds=1.26), texts=3, characters=1000, leaked=0)

    assert "| 1.3 s |" in publish.written(table, {"x": note})
    assert "| 3 | 1,000 | 0 |" in publish.totals({"x": note})


def test_a_run_that_lacks_a_cell_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "faults.jsonl"
    file.write_text("")
    with pytest.raises(SystemExit):
        publish.main([str(file)])
    assert "lacks" in capsys.readouterr().err


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(LookupError, match="network"):
        publish.filled("# A page\n", {})


def test_what_a_cell_has_seen_is_a_line_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "faults.jsonl"
    monkeypatch.setenv(VARIABLE, str(file))
    cell = cells_of(MATRIX[0])[0]
    for number in range(2):
        record(noted(cell, Seen("x", asked=number), texts=1, characters=2, leaked=0))

    assert 1 == publish.read_notes(file.read_text())[publish.key_of(cell)]["asked"]
    assert 2 == len([json.loads(line) for line in file.read_text().splitlines()])
