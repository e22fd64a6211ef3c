"""When a lease goes on, and when it is given up for another one."""

from __future__ import annotations

import json

import pytest

from secretsource.errors import BackendUnavailable, InvalidResponse
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
    lend,
    renew,
    renews,
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


def test_nothing_goes_on_that_was_not_fetched_here(server: FaultyServer, vault: VaultResolver) -> None:
    assert renew(vault) is None
    assert [] == server.requests or all("leases" not in request.path for request in server.requests)


def test_a_lease_that_is_half_over_is_renewed_for_as_long_as_at_first(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock
) -> None:
    lease_id = lend(server)
    renews(server, 60)
    borrow(vault)
    clock.advance(40)
    assert 60 == renew(vault)
    assert [{"lease_id": lease_id, "increment": 60}] == sent(server, RENEW)
    assert (1, 0) == (asked(server, CREDS), asked(server, SEEN))


def test_before_that_it_is_only_looked_whether_it_is_still_there(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock
) -> None:
    lease_id = lend(server, 3600)
    shows(server, 3350)
    borrow(vault)
    clock.advance(240)
    assert 3350 == renew(vault)
    assert [{"lease_id": lease_id}] == sent(server, SEEN)
    assert 0 == asked(server, RENEW)


def test_a_lease_of_an_hour_and_a_short_ttl_make_no_new_user(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock
) -> None:
    lend(server, 3600)
    borrow(vault)
    ends_at = clock.now + 3600
    renews(server, 3600)
    for _ in range(30):
        clock.advance(240)
        shows(server, int(ends_at - clock.now))
        before = asked(server, RENEW)
        assert (renew(vault) or 0) > 1200
        ends_at = clock.now + 3600 if asked(server, RENEW) > before else ends_at
    assert 1 == asked(server, CREDS)
    assert 3 == asked(server, RENEW)


def test_where_no_policy_allows_to_look_it_is_renewed(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock
) -> None:
    server.answer(403, JSON, '{"errors": ["permission denied"]}', path=SEEN)
    renews(server, 60)
    borrow(vault)
    clock.advance(1)
    assert 60 == renew(vault)


def test_a_lease_that_cannot_be_renewed_is_looked_at(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock
) -> None:
    lend(server, renewable=False)
    shows(server, 21)
    borrow(vault)
    clock.advance(39)
    assert 21 == renew(vault)
    shows(server, 19)
    assert renew(vault) is None
    assert 0 == asked(server, RENEW)


def test_a_renewal_that_the_longest_life_cuts_short_is_not_taken(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock
) -> None:
    borrow(vault)
    clock.advance(40)
    renews(server, 20)
    assert 20 == renew(vault)
    clock.advance(13)
    renews(server, 19)
    assert renew(vault) is None


def test_a_lease_that_was_revoked_does_not_go_on(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock
) -> None:
    for seconds in (1, 40):
        borrow(vault)
        knows_none(server)
        clock.advance(seconds)
        assert renew(vault) is None
        assert renew(vault) is None
    assert (1, 1) == (asked(server, SEEN), asked(server, RENEW))


@pytest.mark.parametrize("status", [401, 403])
def test_a_policy_that_forbids_it_leaves_it_to_a_fetch(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock, status: int
) -> None:
    borrow(vault)
    server.answer(status, JSON, '{"errors": ["permission denied"]}', path=RENEW)
    clock.advance(40)
    assert renew(vault) is None


@pytest.mark.parametrize("status", [412, 429, 472, 473, 500, 503, 204, 301, 404])
def test_a_server_that_cannot_say_is_an_error(
    server: FaultyServer,
    vault: VaultResolver,
    clock: FakeClock,
    status: int,
) -> None:
    kind, attempts = (BackendUnavailable, 3) if status >= 412 else (InvalidResponse, 2)
    borrow(vault)
    clock.advance(40)
    server.answer(status, path=RENEW)
    with pytest.raises(kind, match=f"HTTP {status}"):
        renew(vault)
    assert attempts == asked(server, RENEW)
    renews(server, 60)
    assert 60 == renew(vault)


@pytest.mark.parametrize(
    "body", ["", "<html></html>", "{}", '{"lease_duration": "60"}', '{"lease_duration": true}']
)
def test_an_answer_that_says_nothing_of_the_lease_is_broken(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock, body: str
) -> None:
    borrow(vault)
    clock.advance(40)
    server.answer(200, JSON, body, path=RENEW)
    with pytest.raises(InvalidResponse, match="says nothing of the lease"):
        renew(vault)


def test_a_database_that_is_down_is_no_lease_that_is_gone(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock
) -> None:
    borrow(vault)
    clock.advance(40)
    said = {"errors": ["failed to renew entry: resp: (*logical.Response)(nil) err: connection refused"]}
    server.answer(400, JSON, json.dumps(said), path=RENEW)
    with pytest.raises(BackendUnavailable, match="what is behind the lease cannot be reached"):
        renew(vault)
    renews(server, 60)
    assert 60 == renew(vault)
    assert 1 == asked(server, CREDS)


def test_a_lease_whose_longest_time_is_over_is_replaced_and_is_no_outage(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock
) -> None:
    borrow(vault)
    clock.advance(40)
    reason = "failed to renew entry: resp: (*logical.Response)(nil) err: past the max TTL, cannot renew"
    server.answer(400, JSON, json.dumps({"errors": [reason]}), path=RENEW)
    assert renew(vault) is None


def test_passing_trouble_is_asked_again(server: FaultyServer, vault: VaultResolver, clock: FakeClock) -> None:
    borrow(vault)
    clock.advance(40)
    renews(server, 60)
    server.answer(412, times=1, path=RENEW)
    server.answer(473, times=1, path=RENEW)
    assert 60 == renew(vault)


def test_each_document_has_a_lease_of_its_own(
    server: FaultyServer, vault: VaultResolver, clock: FakeClock
) -> None:
    """Two stores may share a resolver, and an answer that was overtaken may be in use."""
    first, documents = lend(server), [borrow(vault)]
    second = lend(server)
    documents.append(borrow(vault))
    renews(server, 60)
    clock.advance(40)
    for document in documents:
        renew(vault, document=document)
    assert [first, second] == [body["lease_id"] for body in sent(server, RENEW)]


def test_a_document_is_told_apart_by_its_lease_and_shows_nothing_of_it(
    server: FaultyServer, vault: VaultResolver
) -> None:
    lease_id = lend(server)
    versions = [borrow(vault).version, borrow(vault).version]
    lend(server)
    versions.append(borrow(vault).version)
    assert versions[0] == versions[1] != versions[2]
    assert not any(lease_id.rpartition("/")[2] in str(version) for version in versions)


def test_close_forgets_leases(server: FaultyServer, vault: VaultResolver) -> None:
    borrow(vault)
    vault.close()
    assert renew(vault) is None
    assert 0 == asked(server, REVOKE)
