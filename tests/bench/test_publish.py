"""Figures of a run go into the pages, and nothing else of a page changes."""

from __future__ import annotations

import pytest

from bench._harness import Table
from bench.publish import PICKS, replaced, shortened

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


@pytest.mark.parametrize("heading", ["### Third", "# Page"])
def test_a_heading_without_a_table_is_an_error(heading: str) -> None:
    with pytest.raises(LookupError):
        replaced(PAGE, heading, Table("", ["read"], []))


def test_the_readme_shows_the_picked_cells() -> None:
    tables = [
        Table(
            f"{title} {'x' * len(title)}",
            ["cache", column],
            [[label, f"{place}/{at}"] for at, label in enumerate(labels)],
        )
        for place, (_, title, column, labels) in enumerate(PICKS)
    ]
    lines = shortened(
        "Above\n| measured in one run | a |\n|---|--:|\n| old | 1 |\nBelow\n", tables
    ).splitlines()

    assert ["Above", "| measured in one run | a |", "|---|--:|"] == lines[:3]
    assert f"| {PICKS[0][0]} | 0/0 | 0/1 | 0/2 | 0/3 | 0/4 |" == lines[3]
    assert (len(PICKS), "Below") == (len(lines) - 4, lines[-1])
