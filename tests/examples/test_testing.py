"""`python -m examples.testing`, as a person sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def done() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "examples.testing"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_its_tests_pass_with_pytest_and_with_unittest(done: subprocess.CompletedProcess[str]) -> None:
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "7 passed" in done.stdout
    assert "Ran 1 test" in done.stderr


def test_it_comes_to_its_end(done: subprocess.CompletedProcess[str]) -> None:
    assert "done" == done.stdout.splitlines()[-1]
