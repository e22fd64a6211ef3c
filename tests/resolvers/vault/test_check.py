"""Who the server takes us for, and how it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, BackendUnavailable, InvalidResponse, Reason
from secretsource.resolvers import SupportsCheck
from secretsource.resolvers.vault import VaultResolver
from tests.fakes import FakeClock
from tests.resolvers.vault.logins import (
    APPROLE_LOGIN,
    approle,
    bao,
    clock,
    newest_token,
    token_resolver,
)
from tests.resolvers.vault.support import (
    JSON,
    asked,
    no_environment,
    quick_retries,
    requests,
    resolver_of,
    server,
)
from tests.servers.faulty import FaultyServer
from tests.servers.openbao import OpenBao

__all__ = ["bao", "clock", "no_environment", "quick_retries", "server"]

LOOK_UP = "/v1/auth/token/lookup-self"
HEALTH = "/v1/sys/health"


def test_it_can_be_checked(bao: OpenBao) -> None:
    assert isinstance(approle(bao), SupportsCheck)


def test_it_says_who_we_are_and_for_how_long(bao: OpenBao) -> None:
    health = approle(bao, token_ttl="60s").check(Deadline(5))
    assert "approle (policies: app, default)" == health.identity
    assert health.expires_in is not None
    assert 55 <= health.expires_in <= 60


def test_it_says_how_the_server_is(bao: OpenBao) -> None:
    version = bao.api("GET", "sys/health").body["version"]
    assert f"version {version}, active" == approle(bao).check(Deadline(5)).detail


def test_it_reads_no_secret(bao: OpenBao) -> None:
    approle(bao).check(Deadline(5))
    # What the server tells of itself to anybody is not in its audit log.
    assert {APPROLE_LOGIN: 1, "auth/token/lookup-self": 1} == dict(requests(bao))


def test_a_token_without_end_does_not_expire(bao: OpenBao) -> None:
    health = token_resolver(bao, bao.root_token).check(Deadline(5))
    assert ("token (policies: root)", None) == (health.identity, health.expires_in)


def test_in_a_namespace_the_server_is_asked_about_itself_at_the_root(bao: OpenBao) -> None:
    bao.namespace("checked")
    token = bao.token(namespace="checked")
    vault = VaultResolver(address=bao.url, namespace="checked", auth={"method": "token", "token": token})
    assert vault.check(Deadline(5)).detail.startswith("version ")


def test_a_token_that_was_revoked_is_replaced_first(bao: OpenBao) -> None:
    vault = approle(bao)
    bao.revoke(newest_token(vault))
    assert vault.check(Deadline(5)).identity.startswith("approle ")


def test_a_login_that_is_refused_is_a_denial(bao: OpenBao) -> None:
    with pytest.raises(
        AccessDenied, match=r"HTTP 403 from 127.0.0.1:\d+; check the login; if reads work"
    ) as caught:
        token_resolver(bao, "s.wrong").check(Deadline(5))
    assert bao.url.removeprefix("http://") == caught.value.location


def test_a_policy_that_forbids_the_look_up_is_told(bao: OpenBao) -> None:
    token = bao.token(["app"], no_default_policy=True)
    with pytest.raises(AccessDenied, match=r'path "auth/token/lookup-self" \{ capabilities = \["read"\] \}'):
        token_resolver(bao, token).check(Deadline(5))


def _answer(server: FaultyServer, data: object, health: object = None, status: int = 200) -> VaultResolver:
    server.answer(200, JSON, json.dumps({"data": data}), path=LOOK_UP)
    if health is not None:
        server.answer(status, JSON, json.dumps(health), path=HEALTH)
    return resolver_of(server)


def test_a_standby_that_answers_says_so(server: FaultyServer) -> None:
    vault = _answer(
        server, {"display_name": "x"}, {"version": "1.2.3", "standby": True, "sealed": False}, 429
    )
    assert "version 1.2.3, standby" == vault.check(Deadline(5)).detail


@pytest.mark.parametrize("health", [None, [], {}, {"version": 1}, "<p>"])
def test_a_server_that_tells_nothing_of_itself_is_none_the_worse(server: FaultyServer, health: Any) -> None:
    found = _answer(server, {"display_name": "x", "policies": ["p"], "identity_policies": ["q"]}, health)
    assert ("x (policies: p, q)", "") == (found.check(Deadline(5)).identity, found.check(Deadline(5)).detail)


def test_what_a_terminal_would_obey_is_escaped(server: FaultyServer) -> None:
    vault = _answer(server, {"display_name": "\x1b[2J", "policies": ["\u202e"]}, {"version": "\x07"})
    health = vault.check(Deadline(5))
    assert ("\\x1b[2J (policies: \\u202e)", "version \\x07, active") == (health.identity, health.detail)


@pytest.mark.parametrize("data", [None, [], {}, {"display_name": 1}])
def test_an_answer_that_is_none_is_broken(server: FaultyServer, data: object) -> None:
    with pytest.raises(InvalidResponse, match="look-up of the token is none"):
        _answer(server, data).check(Deadline(5))


def test_a_sealed_server_is_an_outage_after_three_attempts(server: FaultyServer, clock: FakeClock) -> None:
    server.answer(503, JSON, '{"errors": ["Vault is sealed"]}', path=LOOK_UP)
    with pytest.raises(BackendUnavailable) as caught:
        resolver_of(server).check(Deadline(5))
    assert Reason.SEALED is caught.value.reason
    assert 1 + 3 == asked(server, LOOK_UP)


def test_a_server_that_hangs_ends_at_the_deadline(server: FaultyServer) -> None:
    server.answer(delay=30, path=LOOK_UP)
    with pytest.raises(BackendUnavailable):
        resolver_of(server).check(Deadline(0.4))
