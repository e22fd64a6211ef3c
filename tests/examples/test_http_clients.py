"""`python -m examples.http_clients`, as a person sees it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.http_clients"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("http_clients"))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    assert "" == done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("how", "count"), [("httpx", "8"), ("httpx, 50 coroutines", "50"), ("requests", "8")]
)
def test_no_mail_is_lost_while_the_key_changes(shown: list[str], how: str, count: str) -> None:
    [line] = [line for line in shown if line.startswith(f"{how}: ")]
    told = re.fullmatch(r".*: (\d+) mails, (\d+) accepted; (\d+) requests were refused on the way", line)
    assert told is not None
    assert (count, count) == (told[1], told[2])
    assert int(told[3]) > 0


def test_it_comes_to_its_end(shown: list[str]) -> None:
    assert "done" == shown[-1]
