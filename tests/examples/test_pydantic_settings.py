"""`python -m examples.pydantic_settings`, as a person sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "examples.pydantic_settings"],
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


def test_the_settings_show_no_secret(shown: list[str]) -> None:
    assert "session_key=SecretStr('**********')" in shown[0]
    assert "mail_key=secret('pepipost/api_key')" in shown[0]
    assert "db=Database(user='shop', password=SecretStr('**********'), host='db.example.com')" in shown[0]


def test_a_rotated_key_is_used_without_loading_the_settings_anew(shown: list[str]) -> None:
    assert "sends a mail with the first key: True" == shown[2]
    assert "sends a mail with the second key: True" == shown[3]


def test_a_refused_value_is_told_and_not_shown(shown: list[str]) -> None:
    assert "'loc': ('session_key',)" in shown[4]
    assert "'input': SecretStr('**********')" in shown[4]


def test_it_comes_to_its_end(shown: list[str]) -> None:
    assert "done" == shown[-1]
