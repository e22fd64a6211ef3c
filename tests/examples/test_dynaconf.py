"""`python -m examples.dynaconf`, as a person sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.dynaconf"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("shop"))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    assert "" == done.stderr
    return done.stdout.splitlines()


def test_the_laptop_needs_no_secret(shown: list[str]) -> None:
    assert "on the laptop: postgresql://shop:only for the laptop@localhost/shop" == shown[0]


def test_production_has_its_own(shown: list[str]) -> None:
    assert "in production, with the password of there: True" == shown[1]


def test_a_rotated_key_is_used_without_loading_the_settings_anew(shown: list[str]) -> None:
    assert "sends a mail with the first key: True" == shown[2]
    assert "sends a mail with the second key: True" == shown[3]


def test_neither_a_list_nor_a_validator_shows_a_value(shown: list[str]) -> None:
    assert "MAIL<DataDict> {'sender': 'shop@example.com', 'key': '********'}" == shown[5]
    assert "STRIPE_KEY must len_min 8 but it is ******** in env DEVELOPMENT" == shown[6]


def test_it_comes_to_its_end(shown: list[str]) -> None:
    assert "done" == shown[-1]
