"""What the tests of the AWS resolver share: an environment of their own, canaries, and ready answers."""

from __future__ import annotations

import json
import os
import secrets
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import Document
from secretsource.resolvers.aws import AwsResolver
from tests.fakes import FakeClock
from tests.servers.faulty import FaultyServer
from tests.servers.moto import REGION, Moto

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

VERSION = "a" * 32


class Canary:
    """A value that must not show up; kept so that the test's own frames do not show it either."""

    def __init__(self) -> None:
        self.text = secrets.token_hex(20)

    def __repr__(self) -> str:
        return "Canary()"


class Login:
    """The credentials of one test, in the environment."""

    def __init__(self) -> None:
        self.secret_key = Canary()
        self.session_token = Canary()

    def __repr__(self) -> str:
        return "Login()"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Have all resolvers measure time with a clock of ours."""
    clock = FakeClock()
    monkeypatch.setattr("secretsource._clock.now", clock)
    return clock


def clean_environ(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Leave nothing of the machine's own AWS set-up, and no way to its metadata service."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        path = folder / name.lower()
        path.touch()
        monkeypatch.setenv(name, str(path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Login:
    clean_environ(monkeypatch, tmp_path)
    login = Login()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTING")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", login.secret_key.text)
    monkeypatch.setenv("AWS_SESSION_TOKEN", login.session_token.text)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return login


@pytest.fixture
def canary() -> Canary:
    return Canary()


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto() as server:
        yield server


@pytest.fixture
def admin(moto: Moto) -> Iterator[SecretsManagerClient]:
    client = moto.client()
    yield client
    client.close()


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        yield server


@pytest.fixture
def resolver(server: FaultyServer) -> Iterator[AwsResolver]:
    """Asks the faulty server."""
    resolver = AwsResolver(endpoint_url=server.url)
    yield resolver
    resolver.close()


def read(resolver: AwsResolver, name: str = "pepipost", *, timeout: float = 5.0) -> Document:
    """Fetch *name*, which must be there."""
    answer = fetch(resolver, name, timeout=timeout)
    assert isinstance(answer, Document)
    return answer


def fetch(resolver: AwsResolver, name: str = "pepipost", *, timeout: float = 5.0) -> object:
    return resolver.fetch(resolver.locate(name), Deadline(timeout))


def found(value: str) -> str:
    """Return the body of a good answer, whichever secret is asked for."""
    return json.dumps({"SecretString": value, "VersionId": VERSION, "CreatedDate": 1.7e9})


def refusal(code: str, message: str = "") -> str:
    """Return the body of an error."""
    return json.dumps({"__type": code, "Message": message})


def assert_none_of(canaries: list[Canary], text: str) -> None:
    shown = [canary.text in text for canary in canaries]
    assert not any(shown)


def printed(error: BaseException) -> str:
    """Return all that a log or an error tracker could show of *error*."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return "".join(lines) + repr(error) + str(error) + repr(error.__dict__)
