"""`python -m examples.celery`, as a person sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("celery")


@pytest.fixture(scope="module")
def shown(temporary: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.celery"],
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


def test_no_task_is_lost_over_two_changes_of_the_password(shown: list[str]) -> None:
    assert "sent 60 tasks, changed the password 2 times" == shown[0]
    assert "done by the worker: 60 the last one: bill for order 59" == shown[1]
    assert "what the configuration shows: SecretCredentialProvider('redis/password')" == shown[2]
    assert ["done"] == shown[3:]


def test_nothing_is_left_behind(shown: list[str], temporary: Path) -> None:
    assert "done" == shown[-1]
    assert [] == list(temporary.iterdir())
