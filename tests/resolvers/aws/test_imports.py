"""What a first use imports, it imports while no fork can happen: a child would inherit modules that are half there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.resolvers.aws.sts import Taken, assumed
from tests.resolvers.aws.support import Canary, canary, found, login, moto
from tests.servers.faulty import FaultyServer
from tests.servers.moto import Moto

__all__ = ["canary", "login", "moto"]

ROOT = Path(__file__).parents[3]
ROLE = "arn:aws:iam::123456789012:role/app"
PROGRAM = """
    import json, sys, threading
    from importlib.abc import MetaPathFinder
    from secretsource import _fork
    from secretsource._deadline import Deadline
    from secretsource.resolvers.aws import AwsResolver

    settings, uses = json.load(sys.stdin)
    seen = []

    class Watching(MetaPathFinder):
        def find_spec(self, fullname, path=None, target=None):
            if not _fork._importing.lock._is_owned():
                seen.append(fullname)

    def use():
        for name in uses:
            place = resolver.locate("app/key")
            if name == "put":
                resolver.put(place, "x", Deadline(5))
            elif name == "check":
                resolver.check(Deadline(5))
            elif name == "fresh":
                resolver.fetch_fresh(place, Deadline(5))
            elif name == "many":
                resolver.fetch_many([place, resolver.locate("other/key")], Deadline(5))
            else:
                resolver.fetch(place, Deadline(5))

    resolver = AwsResolver(**settings)
    sys.meta_path.insert(0, Watching())
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    print(json.dumps(seen))
"""


def imported(settings: dict[str, object], *uses: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        input=json.dumps([settings, uses]),
        cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Traceback" not in ran.stderr
    seen: list[str] = json.loads(ran.stdout)
    return seen


@pytest.fixture
def agent(tmp_path: Path, canary: Canary) -> Iterator[dict[str, object]]:
    (tmp_path / "token").write_text(canary.text)
    with FaultyServer() as server:
        server.answer(body=found("{}"))
        yield {"transport": "agent", "endpoint_url": server.url, "token_file": str(tmp_path / "token")}


@pytest.mark.parametrize("use", ["put", "check", "read", "many"])
def test_the_service(use: str, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)

    assert [] == imported({"endpoint_url": moto.url, "batch": True, "role_arn": ROLE}, use)


@pytest.mark.parametrize("use", ["read", "fresh", "check"])
def test_an_agent(use: str, agent: dict[str, object]) -> None:
    assert [] == imported(agent, use)


def test_a_replica() -> None:
    with FaultyServer() as down, FaultyServer() as replica:
        replica.answer(body=found("{}"))
        settings = {"region": ["eu-central-1", "eu-west-1"], "endpoint_url": [down.url, replica.url]}

        assert [] == imported({**settings}, "read")


def test_a_web_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, canary: Canary) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    (tmp_path / "token").write_text(canary.text)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    with FaultyServer() as sts, FaultyServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        sts.answer(body=assumed(Taken("POD"), call="AssumeRoleWithWebIdentity"))
        server.answer(body=found("{}"))

        assert [] == imported({"endpoint_url": server.url}, "read")
