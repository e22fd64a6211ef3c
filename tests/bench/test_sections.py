"""Every section runs, with one round of each measurement; nothing is asked of the figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "performance.md"
OURS = "secretsource"


def run(folder: Path, *arguments: str) -> tuple[str, dict[str, dict[str, list[dict[str, object]]]]]:
    """Return what a run prints, and the sections it writes."""
    file = folder / "bench.json"
    # A process of its own: peers set up logging, event loops and variables as they like.
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--tiny", "--json", str(file), *arguments],
        cwd=ROOT,
        env={**os.environ, "VAULT_TOKEN": "of-somebody-else", "AWS_PROFILE": "of-somebody-else"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout, json.loads(file.read_text(encoding="utf-8"))["sections"]


@pytest.mark.parametrize(
    ("section", "tables", "goals"),
    [
        ("A", 2, 5),
        ("B", 4, 4),
        pytest.param("C", 2, 9, marks=pytest.mark.slow),
        pytest.param("D", 2, 4, marks=pytest.mark.slow),
        pytest.param("E", 2, 5, marks=pytest.mark.slow),
        pytest.param("F", 2, 6, marks=pytest.mark.slow),
        pytest.param("G", 3, 4, marks=pytest.mark.slow),
        ("H", 1, 2),
    ],
)
def test_a_section_measures_us_beside_the_peers(
    tmp_path: Path, section: str, tables: int, goals: int
) -> None:
    printed, found = run(tmp_path, "--only", section)

    assert [section] == list(found)
    assert (tables, goals) == (len(found[section]["tables"]), len(found[section]["goals"]))
    page = PAGE.read_text(encoding="utf-8")
    for table in found[section]["tables"]:
        labels = [row[0] for row in table["rows"]]
        assert any(OURS in label for label in labels)
        assert any(OURS not in label for label in labels)
        assert f"### {table['title']}\n" in printed
        assert f"\n### {table['title']}\n" in page
    assert all(goal["measured"] is not None for goal in found[section]["goals"])


def test_an_unknown_section_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "Z"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "choose from" in done.stderr
