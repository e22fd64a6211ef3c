"""`python -m examples.asyncpg`, as a person sees it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_request_fails_over_two_changes_of_the_password() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.asyncpg"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr[-2000:])
    assert [
        "change 1 of the password",
        "change 2 of the password",
        "failed requests: 0",
        "done",
    ] == done.stdout.splitlines()
