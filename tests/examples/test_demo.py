"""`make demo`, as a person sees it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def shown(temporary: Path) -> str:
    # What a person who works with these backends has set must not show.
    theirs = {
        "AWS_PROFILE": "corp",
        "VAULT_NAMESPACE": "n",
        "VAULT_CACERT": "/nope",
        "SECRETSOURCE_PROFILE": "prod",
        "PEPIPOST_API_KEY": "theirs",
        "http_proxy": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo"],
        cwd=ROOT,
        env=os.environ | theirs | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    assert "" == done.stderr
    return done.stdout


@pytest.mark.parametrize("link", ["dotenv", "env", "files", "aws", "vault", "conjur"])
def test_a_mail_is_sent_with_the_key_of_each_link(shown: str, link: str) -> None:
    [row] = [line for line in shown.splitlines() if line.startswith(f"{link} ") and "ns " in line]
    assert row.endswith("202 accepted")


def test_the_local_dotenv_file_comes_first(shown: str) -> None:
    rows = [line.split()[0] for line in shown.splitlines() if line.endswith("202 accepted")]
    assert ["dotenv", "env", "files", "aws", "vault", "conjur"] == rows


def test_no_key_is_shown(shown: str) -> None:
    assert None is re.search(r"pp-[0-9a-f]{8}", shown)


def test_a_denial_is_shown_and_does_not_fall_through_to_conjur(shown: str) -> None:
    assert "AccessDenied: 'pepipost/api_key': vault at secret/pepipost#api_key: access denied" in shown
    assert re.search(r"conjur .*not asked", shown)


def test_an_outage_serves_the_value_in_use_and_tells_who_has_none(shown: str) -> None:
    assert re.search(r"source='vault'.*stale=True", shown)
    assert "BackendUnavailable: 'pepipost/api_key': vault at secret/pepipost#api_key" in shown


def test_nothing_is_left_behind(shown: str, temporary: Path) -> None:
    assert shown.splitlines()[-1].startswith("done, after")
    assert [] == list(temporary.iterdir())
