"""Neither what is lent, nor the id of a lease, nor what is written is in an error, a traceback, a repr or a log."""

from __future__ import annotations

import json
import logging
import pickle
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import Document, MaskedBytes
from secretsource.errors import SecretSourceError
from secretsource.resolvers.vault import VaultResolver
from tests.fakes import FakeClock
from tests.resolvers.vault.lending import CREDS, DATABASE, RENEW, REVOKE, SEEN, clock
from tests.resolvers.vault.lending import LOOK_UP as LOOK_UP_DATABASE
from tests.resolvers.vault.support import JSON, KV2, LOOK_UP, READ, no_environment, quick_retries
from tests.resolvers.vault.test_leaks import FAULTS, Canaries, _all_that_shows
from tests.servers.faulty import FaultyServer

__all__ = ["clock", "no_environment", "quick_retries"]

NAME = "vault://database/creds/app#password"
Seen = Callable[[Callable[[], object]], list[str]]


class Lent(Canaries):
    """Holds also what is lent and what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.lease_id, self.password, self.neighbour, self.written = (secrets.token_hex(16) for _ in range(4))


@pytest.fixture
def canaries() -> Lent:
    return Lent()


@pytest.fixture
def server(canaries: Lent) -> Iterator[FaultyServer]:
    lent = {
        "lease_id": f"database/creds/app/{canaries.lease_id}",
        "lease_duration": 60,
        "renewable": True,
        "data": {"username": "u", "password": canaries.password},
    }
    document = {"data": {"data": {"key": canaries.neighbour}, "metadata": {"version": 1}}}
    with FaultyServer() as server:
        for path, body in {
            LOOK_UP: KV2,
            READ: json.dumps(document),
            LOOK_UP_DATABASE: DATABASE,
            CREDS: json.dumps(lent),
            "/v1/auth/token/lookup-self": '{"data": {"ttl": 3600}}',
        }.items():
            server.answer(200, JSON, body, path=path)
        yield server


@pytest.fixture
def vault(server: FaultyServer, canaries: Lent) -> VaultResolver:
    auth = {"method": "token", "token": lambda: canaries.token}
    return VaultResolver(address=server.url, auth=auth, revoke_on_close=True)


@pytest.fixture
def seen(canaries: Lent, vault: VaultResolver, caplog: pytest.LogCaptureFixture) -> Seen:
    caplog.set_level(logging.DEBUG)

    def seen(work: Callable[[], object]) -> list[str]:
        """Do *work* and return which canaries are in the error, in what it returns, or in the log."""
        told, linked = repr(vault), []
        try:
            told += repr(work())
        except SecretSourceError as error:
            told += _all_that_shows(error)
            linked = [each for each in (error.__cause__, error.__context__) if each is not None]
        assert [] == linked
        return canaries.seen_in(told + "\n".join(map(str, map(vars, caplog.records))))

    return seen


@dataclass
class Renewal:
    """A resolver that holds a lease, and what is needed to do something to it."""

    server: FaultyServer
    canaries: Lent
    vault: VaultResolver
    document: Document
    clock: FakeClock
    seen: Seen


@pytest.fixture
def lent(server: FaultyServer, canaries: Lent, vault: VaultResolver, clock: FakeClock, seen: Seen) -> Renewal:
    document = vault.fetch(vault.locate(NAME), Deadline(5))
    assert isinstance(document, Document)
    return Renewal(server, canaries, vault, document, clock, seen)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fetch_that_fails_shows_nothing(
    server: FaultyServer, canaries: Lent, vault: VaultResolver, seen: Seen, fault: str
) -> None:
    FAULTS[fault](server, canaries, CREDS)
    assert [] == seen(lambda: vault.fetch(vault.locate(NAME), Deadline(0.4)))


@pytest.mark.parametrize(("path", "age"), [(RENEW, 40), (SEEN, 1)])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_renewal_that_fails_shows_nothing(lent: Renewal, fault: str, path: str, age: float) -> None:
    lent.clock.advance(age)
    FAULTS[fault](lent.server, lent.canaries, path)
    location = lent.vault.locate(NAME)
    assert [] == lent.seen(lambda: lent.vault.renew(location, lent.document, Deadline(0.4)))
    assert any(request.path == path for request in lent.server.requests)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lease_that_cannot_be_given_back_shows_nothing(
    lent: Renewal, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secretsource.resolvers.vault._CLOSING_SECONDS", 0.4)
    FAULTS[fault](lent.server, lent.canaries, REVOKE)
    assert [] == lent.seen(lent.vault.close)
    assert any(request.path == REVOKE for request in lent.server.requests)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_that_cannot_read_shows_nothing(
    server: FaultyServer, canaries: Lent, vault: VaultResolver, seen: Seen, fault: str
) -> None:
    FAULTS[fault](server, canaries, READ)
    assert [] == seen(lambda: vault.put(vault.locate("app/other"), canaries.written, Deadline(0.4)))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_that_fails_shows_nothing(
    server: FaultyServer, canaries: Lent, vault: VaultResolver, seen: Seen, fault: str
) -> None:
    good = json.dumps({"data": {"data": {"key": canaries.neighbour}, "metadata": {"version": 1}}})
    server.answer(200, JSON, good, path=READ, times=1)
    FAULTS[fault](server, canaries, READ)
    assert [] == seen(lambda: vault.put(vault.locate("app/other"), canaries.written, Deadline(0.4)))
    assert any(request.method == "POST" for request in server.requests)


@pytest.mark.parametrize("ending", [b"\xff", b"x" * 2_000_000])
def test_a_value_that_cannot_be_written_is_not_shown(
    vault: VaultResolver, canaries: Lent, seen: Seen, ending: bytes
) -> None:
    assert [] == seen(
        lambda: vault.put(
            vault.locate("app/other"), MaskedBytes(canaries.written.encode() + ending), Deadline(1)
        )
    )


def test_what_is_lent_and_kept_shows_nothing(
    vault: VaultResolver, canaries: Lent, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        document = vault.fetch(vault.locate(NAME), Deadline(5))
    assert isinstance(document, Document)
    client = vault._client.get()
    lease = client.leases.get(document.version)
    assert lease is not None
    assert canaries.lease_id in lease.id
    assert [] == canaries.seen_in(repr([document, lease, client.leases, client.nonces]))
    assert [] == canaries.seen_in("\n".join(map(str, map(vars, caplog.records))))
    with pytest.raises(TypeError):
        pickle.dumps(lease)
