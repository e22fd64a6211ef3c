"""`python -m examples.flask`, as a person sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VISITS = [
    f"visit {4 * row + 1}, visit {4 * row + 2}, visit {4 * row + 3}, visit {4 * row + 4}" for row in range(4)
]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.flask"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("flask"))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    assert "" == done.stderr
    return done.stdout.splitlines()


def test_nobody_is_logged_out_by_new_keys(shown: list[str]) -> None:
    assert VISITS == [line[26:] for line in shown[:-1]]


def test_it_comes_to_its_end(shown: list[str]) -> None:
    assert "done" == shown[-1]
