"""`python -m examples.fastapi`, as a person sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.fastapi"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("fastapi"))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    assert "" == done.stderr
    return done.stdout.splitlines()


def test_it_does_not_start_without_its_key_and_says_where_it_looked(shown: list[str]) -> None:
    assert "without a key it does not start: 'stripe/webhook_key' was not found; asked:" == shown[0]
    assert shown[1].startswith("  1. env at STRIPE_WEBHOOK_KEY")


def test_the_key_of_now_is_the_one_that_counts(shown: list[str]) -> None:
    assert ["200", "401", "200", "401"] == [line[30:33] for line in shown[3:7]]


def test_clients_see_the_signature_and_no_key(shown: list[str]) -> None:
    assert "parameters that clients see   ['x-signature']" == shown[7]
    assert "done" == shown[8]
