"""`python -m examples.starlette`, as a person sees it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_answers_and_asks_to_wait_in_an_outage() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.starlette"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert [
        'all is well      200 {"key":16,"old keys":0}',
        'with old keys    200 {"key":16,"old keys":2}',
        'in an outage     503 {"detail":"Service Unavailable"}, and again in 30 s',
        'after it         200 {"key":16,"old keys":2}',
        "done",
    ] == done.stdout.splitlines()
