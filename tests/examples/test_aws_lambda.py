"""`python -m examples.aws_lambda`, as a person sees it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shown() -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.aws_lambda"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    assert "" == done.stderr
    return done.stdout.splitlines()


def test_the_extension_is_asked_when_the_value_is_older_than_the_ttl(shown: list[str]) -> None:
    assert ["1", "0", "1"] == [re.findall(r"requests: (\d+)", line)[0] for line in shown[:-1]]


def test_every_invocation_has_the_key_of_now(shown: list[str]) -> None:
    assert [True] * 3 == [line.endswith("the key of now: yes") for line in shown[:-1]]


def test_it_comes_to_its_end(shown: list[str]) -> None:
    assert "done" == shown[-1]
