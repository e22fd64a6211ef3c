"""How long the Vault resolver uses what the server has lent, and who has it."""

from __future__ import annotations

import json
import os

import pytest

from secretsource.errors import InvalidResponse
from secretsource.resolvers import SupportsRenew
from secretsource.resolvers.vault import VaultResolver
from tests.fakes import FakeClock
from tests.resolvers.vault.lending import (
    CREDS,
    borrow,
    clock,
    lend,
    renew,
    renews,
    server,
    shows,
    vault,
)
from tests.resolvers.vault.support import (
    APPROLE,
    JSON,
    LOGIN,
    asked,
    no_environment,
    quick_retries,
    resolver_of,
)
from tests.servers.faulty import FaultyServer

__all__ = ["clock", "no_environment", "quick_retries", "server", "vault"]


def test_what_is_lent_has_its_seconds(vault: VaultResolver) -> None:
    assert isinstance(vault, SupportsRenew)
    assert (60, {"username", "password"}) == (borrow(vault).lease, set(borrow(vault).fields))


def test_a_lease_ends_with_the_token_that_asked_for_it(server: FaultyServer, clock: FakeClock) -> None:
    answer = {"auth": {"client_token": "s.token", "lease_duration": 45, "renewable": False}}
    server.answer(body=json.dumps(answer), headers=JSON, path=LOGIN)
    vault = resolver_of(server, auth=APPROLE)
    assert 45 == borrow(vault).lease
    clock.advance(20)
    assert 25 == borrow(vault).lease


@pytest.mark.parametrize("seconds", [None, "60", -5, 0, [], True])
def test_a_lease_of_unknown_length_is_not_kept(
    server: FaultyServer, vault: VaultResolver, seconds: object
) -> None:
    lend(server, seconds)
    assert 0 == borrow(vault).lease


def test_the_advice_of_kv_version_1_is_no_lease(server: FaultyServer, vault: VaultResolver) -> None:
    mount = {"data": {"path": "secret/", "type": "kv", "options": {}}}
    server.answer(body=json.dumps(mount), headers=JSON, path="/v1/sys/internal/ui/mounts/secret/app")
    read = {"lease_id": "", "lease_duration": 2764800, "data": {"key": "x"}}
    server.answer(body=json.dumps(read), headers=JSON, path="/v1/secret/app")
    assert borrow(vault, "vault://secret/app").lease is None


@pytest.mark.parametrize(("ttl", "lease"), [(40, 40), (1, 1), (0, 1), ("40", None), (None, None)])
def test_the_password_of_a_static_role_lasts_until_its_rotation(
    server: FaultyServer, vault: VaultResolver, ttl: object, lease: float | None
) -> None:
    data = {"username": "app", "password": "x", "ttl": ttl, "last_vault_rotation": "2026-01-01T00:00:00Z"}
    server.answer(body=json.dumps({"lease_id": "", "data": data}), headers=JSON, path=CREDS)
    assert lease == borrow(vault).lease


def test_a_ttl_among_the_fields_of_another_document_is_no_lease(
    server: FaultyServer, vault: VaultResolver
) -> None:
    server.answer(body=json.dumps({"data": {"key": "x", "ttl": 5}}), headers=JSON, path=CREDS)
    assert borrow(vault).lease is None


def test_a_wrapped_answer_is_broken(server: FaultyServer, vault: VaultResolver) -> None:
    wrapped = {"data": None, "wrap_info": {"token": "s.wrapped", "ttl": 60}}
    server.answer(body=json.dumps(wrapped), headers=JSON, path=CREDS)
    with pytest.raises(InvalidResponse, match="is wrapped") as caught:
        borrow(vault)
    assert "s.wrapped" not in str(caught.value)


def test_user_and_password_are_of_one_answer(server: FaultyServer, vault: VaultResolver) -> None:
    borrow(vault)
    assert 1 == asked(server, CREDS)


# The token behind a lease


def _logs_in(server: FaultyServer, token: str, seconds: int) -> None:
    answer = {"auth": {"client_token": token, "lease_duration": seconds, "renewable": False}}
    server.answer(body=json.dumps(answer), headers=JSON, path=LOGIN)


def test_a_lease_of_an_older_login_is_not_kept_past_the_end_of_that(
    server: FaultyServer, clock: FakeClock
) -> None:
    _logs_in(server, "s.first", 300)
    vault = resolver_of(server, auth=APPROLE)
    borrow(vault)
    _logs_in(server, "s.second", 300)
    renews(server, 60)
    clock.advance(250)  # past two thirds, so that there is a new login
    assert 50 == renew(vault)
    clock.advance(35)
    assert renew(vault) is None
    assert ["s.first", "s.second"] == sorted(
        {request.headers.get("x-vault-token", "") for request in server.requests} - {""}
    )


def test_a_lease_is_kept_to_the_end_of_a_login_that_no_other_follows(
    server: FaultyServer, clock: FakeClock
) -> None:
    _logs_in(server, "s.only", 60)
    vault = resolver_of(server, auth=APPROLE)
    borrow(vault)
    renews(server, 60)
    server.answer(503, path=LOGIN)
    clock.advance(50)
    assert 10 == renew(vault)
    assert 1 == asked(server, CREDS)


# Processes


def test_a_forked_child_asks_for_credentials_of_its_own(server: FaultyServer, vault: VaultResolver) -> None:
    borrow(vault)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if renew(vault) is None and borrow(vault).lease == 60 else 2
        finally:
            os._exit(status)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert 2 == asked(server, CREDS)


@pytest.mark.parametrize(
    "answer", [{"lease_duration": 10**400}, {"lease_id": "database/\ud800", "lease_duration": 60}]
)
def test_a_strange_lease_is_used_as_any_other(
    server: FaultyServer, vault: VaultResolver, answer: dict[str, object]
) -> None:
    lent = {"lease_id": "database/creds/app/x", "renewable": True, "data": {"password": "x"}}
    server.answer(body=json.dumps(lent | answer), headers=JSON, path=CREDS)

    document = borrow(vault)

    assert (min(10**9, int(str(answer["lease_duration"]))), "x") == (
        document.lease,
        document.fields["password"],
    )


def test_a_lease_that_goes_on_for_ever_goes_on_for_a_long_time(
    server: FaultyServer, vault: VaultResolver
) -> None:
    borrow(vault)
    shows(server, 10**400)

    assert 10**9 == renew(vault)


def test_a_password_that_is_changed_in_a_long_time_has_a_lease_of_that(
    server: FaultyServer, vault: VaultResolver
) -> None:
    data = {"password": "x", "last_vault_rotation": "2026-01-01T00:00:00Z", "ttl": 10**400}
    server.answer(body=json.dumps({"data": data}), headers=JSON, path=CREDS)

    assert 10**9 == borrow(vault).lease
