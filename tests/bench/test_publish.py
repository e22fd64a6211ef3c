"""Figures of a run go into the pages, and nothing else of a page changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from bench import publish
from bench.__main__ import SECTIONS
from bench._harness import NOT_MEASURED, Goal, Section, Table
from bench._page import replaced
from bench._readme import AWS, CONJUR, IMPORT, PICKS, SENTENCES, VAULT, sentences, shortened

PAGE = """# Page

### First

| read | ns |
| :--- | -: |
| a    |  1 |

Words.

### Second

| read | ns |
| :--- | -: |
| b    |  2 |
"""


def test_the_table_under_a_heading_is_replaced() -> None:
    new = replaced(PAGE, "### First", Table("First", ["read", "ns"], [["a", "3"], ["c", "4"]]))

    assert PAGE.replace("| a    |  1 |\n", "| a    |  3 |\n| c    |  4 |\n") == new


def test_a_table_at_the_end_of_the_page_is_replaced() -> None:
    new = replaced(PAGE, "### Second", Table("Second", ["read", "ns"], [["b", "9"]]))

    assert PAGE.replace("|  2 |", "|  9 |") == new


@pytest.mark.parametrize("heading", ["### Third", "# Page", "## End"])
def test_a_heading_without_a_table_is_an_error(heading: str) -> None:
    with pytest.raises(LookupError):
        replaced(f"{PAGE}\n## End\n", heading, Table("", ["read"], []))


# The README

OLD = f"""Above
| measured in one run | a |
|---|--:|
| old | 1 |
Between

{SENTENCES}long
and wide.

Below
"""


def picked() -> list[Table]:
    """Return a table for each row of the README."""
    return [
        Table(
            f"{title} {'x' * len(title)}",
            ["cache", column],
            [[label, f"{place}/{at}"] for at, label in enumerate(labels)],
        )
        for place, (_, title, column, labels) in enumerate(PICKS)
    ]


def goals(**changes: float | None) -> Section:
    """Return the goals of the sentences, and one that is missed."""
    measured: Mapping[str, float | None] = {IMPORT: 0.065, AWS: 1.14, VAULT: 1.08, CONJUR: 0.044, **changes}
    return Section(goals=[*(Goal(what, figure, 1.15) for what, figure in measured.items()), Goal("-", 2, 1)])


def test_the_readme_shows_the_picked_cells() -> None:
    lines = shortened(OLD, picked(), goals().goal_table("")).splitlines()

    assert ["Above", "| measured in one run | a |", "|---|--:|"] == lines[:3]
    assert f"| {PICKS[0][0]} | 0/0 | 0/1 | 0/2 | 0/3 | 0/4 |" == lines[3]
    assert ["Between", ""] == lines[3 + len(PICKS) :][:2]
    assert ["", "Below"] == lines[-2:]


def test_the_readme_tells_the_figures_of_the_same_run() -> None:
    lines = shortened(OLD, picked(), goals().goal_table("")).splitlines()[-4:-2]

    assert (
        "`import secretsource` takes 0.065 of the time of `import boto3`. "
        "A read that has to ask costs 1.14 times a bare boto3 call on moto, 1.08 times a bare hvac call on OpenBao, "
        "and 0.044 of a conjur_api call. 4 of 5 goals were reached."
    ) == " ".join(lines)
    assert max(map(len, lines)) <= 120


def test_a_figure_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(LookupError, match=NOT_MEASURED.removeprefix("not ")):
        sentences(goals(**{VAULT: None}).goal_table(""))


def test_the_readme_says_what_the_page_says() -> None:
    page, readme = (file.read_text(encoding="utf-8") for file in (publish.PAGE, publish.README))
    tables = [_table(page, heading) for heading in re.findall(r"^### .+$", page, re.MULTILINE)]

    assert readme == shortened(readme, tables, _table(page, publish.GOALS))


def _table(page: str, heading: str) -> Table:
    lines = page[page.index(f"\n{heading}\n") :].splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("|"))
    end = lines.index("", start)
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[start:end]]
    return Table(heading.removeprefix("### "), rows[0], [list(row) for row in rows[2:]])


# The command


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[str, str]]:
    """Put two pages into the place of ours; return what reads them."""
    page, readme = tmp_path / "page.md", tmp_path / "readme.md"
    headings = [f"### {table.title}" for table in picked()]
    page.write_text("".join(f"{heading}\n\n| old |\n\n" for heading in [*headings, publish.GOALS]), "utf-8")
    readme.write_text(OLD, encoding="utf-8")
    monkeypatch.setattr(publish, "PAGE", page)
    monkeypatch.setattr(publish, "README", readme)
    return lambda: (page.read_text(encoding="utf-8"), readme.read_text(encoding="utf-8"))


def written(folder: Path, **changes: object) -> str:
    """Return the file of a run with all that the pages show."""
    found: dict[str, dict[str, object]] = {key: {"tables": [], "goals": []} for key in SECTIONS}
    found["A"]["tables"] = [asdict(table) for table in picked()]
    found["B"]["goals"] = [asdict(goal) for goal in goals().goals]
    file = folder / "bench.json"
    file.write_text(json.dumps({"sections": found, "left_out": [], **changes}), encoding="utf-8")
    return str(file)


def test_a_run_of_all_sections_goes_into_both_pages(
    tmp_path: Path, pages: Callable[[], tuple[str, str]]
) -> None:
    assert 0 == publish.main([written(tmp_path)])

    page, readme = pages()
    assert "| old |" not in page
    assert all(str(table).split("\n\n", 1)[1].rstrip() in page for table in picked())
    assert shortened(OLD, picked(), goals().goal_table("")) == readme


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"sections": {"H": {"tables": [], "goals": []}}},
            "lacks the sections A, B, C, D, E, F, G: run without",
        ),
        ({"left_out": ["cachetools", "dynaconf"]}, "is without cachetools, dynaconf: run `make bench`"),
        (
            {"sections": {key: {"tables": [], "goals": []} for key in SECTIONS}},
            "there is no table 'One thread'",
        ),
    ],
)
def test_a_run_that_is_not_whole_changes_neither_page(
    tmp_path: Path,
    pages: Callable[[], tuple[str, str]],
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    words: str,
) -> None:
    before = pages()

    with pytest.raises(SystemExit) as stopped:
        publish.main([written(tmp_path, **changes)])

    assert (2, before) == (stopped.value.code, pages())
    assert words in capsys.readouterr().err
