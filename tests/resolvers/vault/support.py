"""What the tests of the Vault resolver share."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from secretsource.resolvers import Answer, Deadline, Document, NotThere, _retry
from secretsource.resolvers.vault import VaultResolver
from tests.servers.faulty import FaultyServer
from tests.servers.openbao import OpenBao

T = TypeVar("T")

LOOK_UP = "/v1/sys/internal/ui/mounts/secret/app"
READ = "/v1/secret/data/app"
LOGIN = "/v1/auth/approle/login"
KV2 = json.dumps({"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}})
GOOD = json.dumps({"data": {"data": {"key": "good"}, "metadata": {"version": 7}}})
LOGGED_IN = json.dumps({"auth": {"client_token": "s.token", "lease_duration": 60}})
APPROLE = {"method": "approle", "role_id": "role", "secret_id": "secret"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave nothing of the person who runs the tests: no address, no token, no home."""
    for name in [name for name in os.environ if name.startswith(("VAULT_", "BAO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait hardly at all between attempts."""
    monkeypatch.setattr(_retry, "_FIRST_PAUSE", 0.005)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """Start a server that plays a Vault in which `secret/app` has the key `key`."""
    with FaultyServer() as server:
        play_vault(server)
        yield server


@pytest.fixture
def vault(server: FaultyServer) -> Iterator[VaultResolver]:
    """Build a resolver with a token that asks the played Vault."""
    resolver = resolver_of(server)
    yield resolver
    resolver.close()


def play_vault(server: FaultyServer) -> None:
    """Answer a mount look-up, a login and a read."""
    server.answer(body=KV2, headers=JSON, path=LOOK_UP)
    server.answer(body=LOGGED_IN, headers=JSON, path=LOGIN)
    server.answer(body=GOOD, headers=JSON, path=READ)


def resolver_of(server: FaultyServer, **settings: object) -> VaultResolver:
    """Build a resolver that asks *server*, with a token unless *settings* say otherwise."""
    auth = {"method": "token", "token": "s.given"}
    return VaultResolver(**{"address": server.url, "auth": auth, **settings})


def asked(server: FaultyServer, path: str) -> int:
    """Return how often *server* was asked for *path*."""
    return sum(request.path == path for request in server.requests)


def fetch(resolver: VaultResolver, name: str, *, document: bool = False, timeout: float = 10) -> Answer:
    """Read the document that holds *name*."""
    return resolver.fetch(resolver.locate(name, document=document), Deadline(timeout))


def read(resolver: VaultResolver, name: str, *, timeout: float = 10) -> str | NotThere | None:
    """Read *name* and take its field out of the document, as the store does."""
    location = resolver.locate(name)
    answer = resolver.fetch(location, Deadline(timeout))
    if not isinstance(answer, Document):
        return answer
    value = answer.pick(location.field)
    return None if value is None else value.decode() if isinstance(value, bytes) else value.reveal()


def requests(server: OpenBao) -> Counter[str]:
    """Return how often each path was asked for, as the audit log has it."""
    return Counter(record["request"]["path"] for record in server.audit_records(type="request"))


def together(work: Callable[[], T], count: int = 16) -> list[T]:
    """Run *work* in so many threads that all start at once."""
    barrier = Barrier(count)

    def start() -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(start) for _ in range(count)]]
