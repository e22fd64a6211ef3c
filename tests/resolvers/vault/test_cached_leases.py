"""Leases that come through the cache of a proxy or an agent, as a played one answers."""

from __future__ import annotations

import json
import secrets

import pytest

from secretsource.errors import InvalidResponse
from secretsource.resolvers import Deadline, SupportsFetchFresh
from secretsource.resolvers.vault import VaultResolver
from tests.fakes import FakeClock
from tests.resolvers.vault.lending import (
    CREDS,
    RENEW,
    REVOKE,
    SEEN,
    borrow,
    clock,
    knows_none,
    renew,
    revoking,
    sent,
    server,
    shows,
    vault,
)
from tests.resolvers.vault.support import (
    JSON,
    asked,
    no_environment,
    quick_retries,
)
from tests.servers.faulty import FaultyServer

__all__ = ["clock", "no_environment", "quick_retries", "server", "vault"]


def _cached(server: FaultyServer, seconds: int, *, age: int | None, renewable: bool = True) -> str:
    """Let an agent answer: with what it has kept for *age* seconds, or with what it has just asked for."""
    lease_id = f"database/creds/app/{secrets.token_hex(8)}"
    answer = {
        "lease_id": lease_id,
        "lease_duration": seconds,
        "renewable": renewable,
        "data": {"username": "app-1", "password": secrets.token_hex(8)},
    }
    headers = JSON | ({"X-Cache": "MISS"} if age is None else {"X-Cache": "HIT", "Age": str(age)})
    server.answer(body=json.dumps(answer), headers=headers, path=CREDS)
    return lease_id


def test_of_what_an_agent_has_kept_it_is_asked_how_long_it_lasts(
    server: FaultyServer, vault: VaultResolver
) -> None:
    assert isinstance(vault, SupportsFetchFresh)
    lease_id = _cached(server, 60, age=50)
    shows(server, 12)
    assert 12 == borrow(vault).lease
    assert [{"lease_id": lease_id}] == sent(server, SEEN)


def test_where_that_is_forbidden_its_age_is_taken_off(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(403, JSON, '{"errors": ["permission denied"]}', path=SEEN)
    _cached(server, 60, age=50)
    assert 10 == borrow(vault).lease
    _cached(server, 60, age=500)
    assert 0 == borrow(vault).lease


def test_what_an_agent_has_kept_of_a_lease_that_is_gone_is_gone_past(
    server: FaultyServer, vault: VaultResolver
) -> None:
    knows_none(server)
    _cached(server, 60, age=5)
    with pytest.raises(InvalidResponse, match="a lease that the server does not know"):
        borrow(vault)
    nonces = [each.headers.get("x-secretsource-nonce", "") for each in server.requests if each.path == CREDS]
    assert nonces[0] == ""
    assert "" not in nonces[1:]
    assert len(nonces) > 1


def test_going_past_it_once_is_going_past_it_ever_after(server: FaultyServer, vault: VaultResolver) -> None:
    location = vault.locate("vault://database/creds/app", document=True)
    borrow(vault)
    vault.fetch_fresh(location, Deadline(5))
    borrow(vault)
    vault.fetch_fresh(location, Deadline(5))
    first, second, third, fourth = (
        each.headers.get("x-secretsource-nonce", "") for each in server.requests if each.path == CREDS
    )
    assert (first, second) == ("", third)
    assert fourth not in {"", second}


def test_what_an_agent_lends_is_not_renewed_by_us_and_not_given_back(
    server: FaultyServer, clock: FakeClock
) -> None:
    vault = revoking(server)
    _cached(server, 60, age=None)
    shows(server, 59)
    assert 60 == borrow(vault).lease
    clock.advance(40)
    assert 59 == renew(vault)
    knows_none(server)
    assert renew(vault) is None
    borrow(vault)
    vault.close()
    assert (0, 0) == (asked(server, RENEW), asked(server, REVOKE))
