"""What the server has lent is given back when the resolver is closed, where that is wanted."""

from __future__ import annotations

import json
import logging
import os
import time

import pytest

from secretsource.errors import ConfigError
from tests.fakes import FakeClock
from tests.resolvers.vault.lending import (
    REVOKE,
    borrow,
    clock,
    lend,
    renew,
    renews,
    revoking,
    sent,
    server,
    vault,
)
from tests.resolvers.vault.support import (
    JSON,
    asked,
    no_environment,
    quick_retries,
    resolver_of,
)
from tests.servers.faulty import FaultyServer

__all__ = ["clock", "no_environment", "quick_retries", "server", "vault"]


def test_close_gives_everything_back_that_this_process_holds(
    server: FaultyServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    vault, ids = revoking(server), set()
    for _ in range(3):
        ids.add(lend(server))
        borrow(vault)
    vault.close()
    assert ids == {body["lease_id"] for body in sent(server, REVOKE)}
    assert [] == caplog.records
    vault.close()
    assert 3 == asked(server, REVOKE)


def test_what_has_ended_is_not_given_back(server: FaultyServer, clock: FakeClock) -> None:
    vault = revoking(server)
    borrow(vault)
    clock.advance(61)
    second = lend(server)
    borrow(vault)
    vault.close()
    assert [second] == [body["lease_id"] for body in sent(server, REVOKE)]


def test_what_ended_since_is_not_given_back(server: FaultyServer, clock: FakeClock) -> None:
    vault = revoking(server)
    borrow(vault)
    clock.advance(61)
    vault.close()
    assert 0 == asked(server, REVOKE)


def test_a_renewed_lease_is_given_back(server: FaultyServer, clock: FakeClock) -> None:
    vault = revoking(server)
    borrow(vault)
    clock.advance(40)
    renews(server, 60)
    renew(vault)
    clock.advance(40)
    vault.close()
    assert 1 == asked(server, REVOKE)


def test_a_child_gives_back_its_own_alone(server: FaultyServer, clock: FakeClock) -> None:
    vault = revoking(server)
    lend(server)
    borrow(vault)
    theirs = lend(server)
    child = os.fork()
    if child == 0:
        try:
            borrow(vault)
            vault.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert [theirs] == [body["lease_id"] for body in sent(server, REVOKE)]


def test_what_cannot_be_given_back_is_one_line_in_the_log(
    server: FaultyServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    vault, ids = revoking(server), []
    for _ in range(2):
        ids.append(lend(server))
        borrow(vault)
    server.answer(403, JSON, '{"errors": ["permission denied"]}', path=REVOKE)
    with caplog.at_level(logging.INFO, "secretsource"):
        vault.close()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "secretsource"]
    assert line.startswith("vault: 2 lease(s) could not be revoked, and end by themselves: access denied")
    assert 'path "sys/leases/revoke" { capabilities = ["update"] }' in line
    assert not any(lease_id in line for lease_id in ids)


def test_a_database_that_is_down_keeps_nobody_from_giving_the_others_back(
    server: FaultyServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    vault = revoking(server)
    for _ in range(2):
        lend(server)
        borrow(vault)
    said = {"errors": ["failed to revoke entry: resp: (*logical.Response)(nil) err: connection refused"]}
    server.answer(400, JSON, json.dumps(said), path=REVOKE, times=1)
    vault.close()
    assert 2 == asked(server, REVOKE)
    assert "vault: 1 lease(s) could not be revoked" in caplog.text


def test_what_the_server_does_not_know_need_not_be_given_back(
    server: FaultyServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    vault = revoking(server)
    borrow(vault)
    server.answer(400, JSON, '{"errors": ["invalid lease"]}', path=REVOKE)
    vault.close()
    assert (1, "") == (asked(server, REVOKE), caplog.text)


def test_a_server_that_hangs_does_not_hold_close_up(
    server: FaultyServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    vault = revoking(server)
    for _ in range(3):
        lend(server)
        borrow(vault)
    server.answer(204, path=REVOKE, delay=30)
    started = time.monotonic()
    vault.close()
    assert time.monotonic() - started < 4
    assert 1 == asked(server, REVOKE)
    assert "3 lease(s)" in caplog.text


@pytest.mark.parametrize("given", [1, "true", None])
def test_giving_back_is_a_yes_or_a_no(server: FaultyServer, given: object) -> None:
    with pytest.raises(ConfigError, match=r"revoke_on_close under \[resolvers.vault\] must be true or false"):
        resolver_of(server, revoke_on_close=given)
