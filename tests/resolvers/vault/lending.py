"""A played Vault that lends: what tests of leases share."""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import pytest

from secretsource.resolvers import Deadline, Document
from secretsource.resolvers.vault import VaultResolver, _client
from tests.fakes import FakeClock
from tests.resolvers.vault.support import JSON, resolver_of
from tests.servers.faulty import FaultyServer

LOOK_UP = "/v1/sys/internal/ui/mounts/database/creds/app"
CREDS = "/v1/database/creds/app"
SEEN = "/v1/sys/leases/lookup"
RENEW = "/v1/sys/leases/renew"
REVOKE = "/v1/sys/leases/revoke"
_BORROWED: WeakKeyDictionary[VaultResolver, Document] = WeakKeyDictionary()
DATABASE = json.dumps({"data": {"path": "database/", "type": "database", "options": None}})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Let resolvers measure leases with a clock that stands still."""
    clock = FakeClock()
    # The resolver builds its client with the clock of the system: no setting of users names one.
    monkeypatch.setattr(_client, "Client", functools.partial(_client.Client, clock=clock))
    return clock


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """Start a server that plays a Vault whose engine `database` lends for 60 s."""
    with FaultyServer() as server:
        server.answer(403, JSON, '{"errors": ["permission denied"]}', path="/v1/auth/token/lookup-self")
        server.answer(body=DATABASE, headers=JSON, path=LOOK_UP)
        lend(server)
        yield server


@pytest.fixture
def vault(server: FaultyServer, clock: FakeClock) -> Iterator[VaultResolver]:
    """Build a resolver that asks the played Vault."""
    resolver = resolver_of(server)
    yield resolver
    resolver.close()


def lend(
    server: FaultyServer, seconds: object = 60, *, renewable: bool = True, times: int | None = None
) -> str:
    """Let the server lend a user from now on; return the id of the lease."""
    lease_id = f"database/creds/app/{secrets.token_hex(8)}"
    answer = {
        "lease_id": lease_id,
        "lease_duration": seconds,
        "renewable": renewable,
        "data": {"username": "app-1", "password": secrets.token_hex(8)},
    }
    server.answer(body=json.dumps(answer), headers=JSON, path=CREDS, times=times)
    return lease_id


def renews(server: FaultyServer, seconds: object) -> None:
    """Let the server renew leases so that they last *seconds*."""
    server.answer(body=json.dumps({"lease_duration": seconds, "data": None}), headers=JSON, path=RENEW)


def shows(server: FaultyServer, seconds: object) -> None:
    """Let the server say of leases that they last *seconds*."""
    server.answer(body=json.dumps({"data": {"ttl": seconds}}), headers=JSON, path=SEEN)


def knows_none(server: FaultyServer) -> None:
    """Let the server know of no lease, in OpenBao's own words."""
    server.answer(400, JSON, '{"errors": ["lease not found"]}', path=RENEW)
    server.answer(400, JSON, '{"errors": ["invalid lease"]}', path=SEEN)


def borrow(vault: VaultResolver, name: str = "vault://database/creds/app") -> Document:
    """Fetch the document."""
    document = vault.fetch(vault.locate(name, document=True), Deadline(5))
    assert isinstance(document, Document)
    _BORROWED[vault] = document
    return document


def renew(
    vault: VaultResolver,
    name: str = "vault://database/creds/app",
    *,
    document: Document | None = None,
    timeout: float = 5,
) -> float | None:
    """Ask for the lease of the document to go on; without one, for that of what was borrowed last."""
    return vault.renew(
        vault.locate(name, document=True), document or _BORROWED.get(vault, Document()), Deadline(timeout)
    )


def sent(server: FaultyServer, path: str) -> list[dict[str, object]]:
    """Return the bodies of the requests for *path*."""
    return [json.loads(request.body) for request in server.requests if request.path == path]


def revoking(server: FaultyServer) -> VaultResolver:
    """Build a resolver that gives back what *server* lends, which takes it."""
    server.answer(204, path=REVOKE)
    return resolver_of(server, revoke_on_close=True)
