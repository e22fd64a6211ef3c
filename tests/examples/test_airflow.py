"""The example for Airflow. Where Airflow is, `make examples` runs the whole of it."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_comes_to_its_end_or_says_what_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.airflow"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    last = "done" if find_spec("airflow") else "skipped: Airflow is not installed"
    assert (0, last) == (done.returncode, done.stdout.splitlines()[-1])
