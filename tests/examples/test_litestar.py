"""`python -m examples.litestar`, as a person sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.litestar"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("litestar"))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    assert "" == done.stderr
    return done.stdout.splitlines()


def test_a_link_is_good_for_its_invoice_until_the_key_changes(shown: list[str]) -> None:
    assert ["200", "403", "403", "200"] == [line[19:22] for line in shown[:4]]


def test_it_comes_to_its_end(shown: list[str]) -> None:
    assert "done" == shown[-1]
