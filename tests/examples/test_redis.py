"""`python -m examples.redis`, as a person sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("redis")


@pytest.fixture(scope="module")
def shown(temporary: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.redis"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    assert "" == done.stderr
    return done.stdout.splitlines()


def test_no_visit_is_lost_over_two_changes_of_the_password(shown: list[str]) -> None:
    assert ["change 1 of the password", "change 2 of the password"] == shown[:2]
    assert ["visits that were lost: 0", "done"] == shown[2:]


def test_nothing_is_left_behind(shown: list[str], temporary: Path) -> None:
    assert "done" == shown[-1]
    assert [] == list(temporary.iterdir())
