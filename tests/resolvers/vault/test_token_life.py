"""How long a token lives at a real OpenBao, and what is done about it: renewal, and a new login where that is over."""

from __future__ import annotations

import json
import secrets
import threading
from pathlib import Path

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, BackendUnavailable, ConfigError, Reason
from secretsource.resolvers.vault import VaultResolver
from secretsource.resolvers.vault._auth import Token
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
    APPROLE,
    JSON,
    LOGIN,
    asked,
    no_environment,
    quick_retries,
    read,
    requests,
    resolver_of,
    server,
    together,
)
from tests.servers.faulty import FaultyServer
from tests.servers.openbao import OpenBao

__all__ = ["bao", "clock", "no_environment", "quick_retries", "server"]

RENEW = "auth/token/renew-self"
LOOK_UP = "auth/token/lookup-self"


def _token(vault: VaultResolver) -> Token:
    return vault._client.get().tokens.current(Deadline(5))


def _left(bao: OpenBao, token: str) -> int:
    """Return how long the server says that *token* still lives."""
    ttl: int = bao.api("POST", "auth/token/lookup", {"token": token}).body["data"]["ttl"]
    return ttl


# Tokens of a login


def test_a_token_is_renewed_at_two_thirds_of_its_life(bao: OpenBao, clock: FakeClock) -> None:
    vault = approle(bao, token_ttl="60s")
    read(vault, "app/x/value")
    clock.now += 39.9
    read(vault, "app/x/value")
    assert 0 == requests(bao)[RENEW]
    clock.now += 0.2
    assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
    assert (1, 1) == (requests(bao)[RENEW], requests(bao)[APPROLE_LOGIN])


def test_the_end_of_a_token_moves_when_it_is_renewed(bao: OpenBao, clock: FakeClock) -> None:
    vault = approle(bao, token_ttl="60s")
    token = _token(vault)
    assert (1060.0, 1040.0) == (token.ends_at, token.renew_at)
    clock.now += 50
    assert token is _token(vault)
    assert (1110.0, 1090.0) == (token.ends_at, token.renew_at)


def test_a_token_near_its_longest_life_is_replaced_by_a_login(bao: OpenBao, clock: FakeClock) -> None:
    vault = approle(bao, token_ttl="100s", token_explicit_max_ttl="101s")
    token = _token(vault)
    token.life = 300  # as if it had been given more in the beginning: what is left is less than half of it
    clock.now += 70
    assert token is not _token(vault)
    assert (1, 2) == (requests(bao)[RENEW], requests(bao)[APPROLE_LOGIN])


def test_a_token_near_its_longest_life_is_used_until_then_if_no_login_succeeds(
    bao: OpenBao, clock: FakeClock
) -> None:
    role = f"r{secrets.token_hex(4)}"
    role_id, secret_id = bao.approle(role, ["app"], token_ttl="60s")
    vault = VaultResolver(
        address=bao.url, auth={"method": "approle", "role_id": role_id, "secret_id": secret_id}
    )
    token = _token(vault)
    token.renewable = False
    bao.api("POST", f"auth/approle/role/{role}/secret-id/destroy", {"secret_id": secret_id})
    bao.clear_audit()
    clock.now += 45
    assert ["x"] * 3 == [read(vault, "app/x/value") for _ in range(3)]
    assert 1 == requests(bao)[APPROLE_LOGIN]
    clock.now += 6
    read(vault, "app/x/value")
    assert 2 == requests(bao)[APPROLE_LOGIN]
    clock.now += 15
    with pytest.raises(AccessDenied, match="on login"):
        read(vault, "app/x/value")


def test_a_periodic_token_is_renewed_for_ever(bao: OpenBao, clock: FakeClock) -> None:
    vault = approle(bao, token_period="60s")
    for _ in range(5):
        read(vault, "app/x/value")
        clock.now += 41
    assert (4, 1) == (requests(bao)[RENEW], requests(bao)[APPROLE_LOGIN])


def test_a_batch_token_is_replaced_by_a_login(bao: OpenBao, clock: FakeClock) -> None:
    vault = approle(bao, token_type="batch", token_ttl="60s")
    read(vault, "app/x/value")
    clock.now += 41
    read(vault, "app/x/value")
    assert (0, 2) == (requests(bao)[RENEW], requests(bao)[APPROLE_LOGIN])


def test_a_token_for_few_uses_spends_none_on_renewal(bao: OpenBao, clock: FakeClock) -> None:
    vault = approle(bao, token_num_uses=5, token_ttl="60s")
    read(vault, "app/x/value")
    clock.now += 41
    read(vault, "app/x/value")
    assert (0, 2) == (requests(bao)[RENEW], requests(bao)[APPROLE_LOGIN])


def test_a_token_that_was_revoked_before_its_renewal_is_replaced(bao: OpenBao, clock: FakeClock) -> None:
    vault = approle(bao, token_ttl="60s")
    bao.revoke(newest_token(vault))
    clock.now += 41
    assert "x" == read(vault, "app/x/value")
    assert 2 == requests(bao)[APPROLE_LOGIN]


def test_a_renewed_token_that_is_revoked_costs_one_login_for_all(bao: OpenBao, clock: FakeClock) -> None:
    vault = approle(bao, token_ttl="60s")
    read(vault, "app/x/value")
    clock.now += 41
    read(vault, "app/x/value")
    bao.revoke(newest_token(vault))
    bao.clear_audit()
    assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
    assert 1 == requests(bao)[APPROLE_LOGIN]


def test_a_token_of_two_seconds_serves_on_without_a_refusal(bao: OpenBao) -> None:
    vault, stop, failures = approle(bao, token_ttl="2s"), threading.Event(), []
    deadline = Deadline(3.5)
    while not deadline.expired:
        if "x" != read(vault, "app/x/value"):
            failures.append(1)
        stop.wait(0.02)
    refused = [record for record in bao.audit_records(type="response") if record.get("error")]
    assert ([], []) == (failures, refused)
    assert (1, True) == (requests(bao)[APPROLE_LOGIN], requests(bao)[RENEW] >= 2)


# Tokens that are given


def test_a_given_token_is_looked_up_once(bao: OpenBao) -> None:
    vault = token_resolver(bao, bao.token(["app"]))
    read(vault, "app/x/value")
    read(vault, "app/x/value")
    assert {LOOK_UP: 1, "sys/internal/ui/mounts/secret/app/x": 1, "secret/data/app/x": 2} == dict(
        requests(bao)
    )


def test_a_given_token_is_renewed_by_what_it_was_made_for(bao: OpenBao, clock: FakeClock) -> None:
    given = bao.token(["app"], ttl="100s")
    vault = token_resolver(bao, given)
    token = _token(vault)
    assert 99 <= token.ends_at - clock.now <= 100
    clock.now += 70
    assert token is _token(vault)
    assert (1, True) == (requests(bao)[RENEW], 99 <= _left(bao, given) <= 100)


def test_a_given_token_that_cannot_be_renewed_is_read_again(
    bao: OpenBao, clock: FakeClock, tmp_path: Path
) -> None:
    file = tmp_path / ".vault-token"
    file.write_text(bao.token(["app"], ttl="100s", renewable=False))
    vault = VaultResolver(address=bao.url)
    read(vault, "app/x/value")
    file.write_text(newer := bao.token(["app"], ttl="100s", renewable=False))
    bao.clear_audit()
    assert "x" == read(vault, "app/x/value")
    assert newer != newest_token(vault)
    clock.now += 70
    assert "x" == read(vault, "app/x/value")
    assert (0, newer) == (requests(bao)[RENEW], newest_token(vault))


def test_a_given_token_that_somebody_else_renews_is_used_on(bao: OpenBao, clock: FakeClock) -> None:
    given = bao.token(["app"], ttl="100s", renewable=False)
    vault = token_resolver(bao, given)
    first = _token(vault)
    clock.now += 101  # the server's clock has not moved: to it, the token is as young as after a renewal
    assert "x" == read(vault, "app/x/value")
    assert _token(vault).ends_at - first.ends_at >= 100


def test_a_given_token_that_nobody_renews_is_asked_about_now_and_then(bao: OpenBao, clock: FakeClock) -> None:
    vault = token_resolver(bao, bao.token(["app"], ttl="100s", renewable=False))
    for _ in range(20):
        read(vault, "app/x/value")
        clock.now += 1
    assert 1 == requests(bao)[LOOK_UP]


def test_the_root_token_is_used_as_it_is(bao: OpenBao, clock: FakeClock) -> None:
    vault = token_resolver(bao, bao.root_token)
    read(vault, "app/x/value")
    clock.now += 10**8
    read(vault, "app/x/value")
    assert (1, 0) == (requests(bao)[LOOK_UP], requests(bao)[RENEW])


def test_a_token_whose_policy_forbids_the_look_up_is_used_as_it_is(bao: OpenBao, clock: FakeClock) -> None:
    vault = token_resolver(bao, bao.token(["app"], no_default_policy=True))
    assert "x" == read(vault, "app/x/value")
    clock.now += 10**8
    assert "x" == read(vault, "app/x/value")
    assert (1, 0) == (requests(bao)[LOOK_UP], requests(bao)[RENEW])


def test_a_batch_token_that_is_given_is_never_renewed(bao: OpenBao, clock: FakeClock) -> None:
    vault = token_resolver(bao, bao.token(["app"], type="batch", ttl="100s"))
    read(vault, "app/x/value")
    clock.now += 70
    read(vault, "app/x/value")
    assert (2, 0) == (requests(bao)[LOOK_UP], requests(bao)[RENEW])


# Faults


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_look_up_that_fails_leaves_the_token_in_use_and_is_made_again(
    server: FaultyServer, clock: FakeClock, status: int
) -> None:
    server.answer(status, path=f"/v1/{LOOK_UP}")
    vault = resolver_of(server)
    assert ["good", "good"] == [read(vault, "app/key"), read(vault, "app/key")]
    assert 1 == asked(server, f"/v1/{LOOK_UP}")
    server.answer(200, JSON, '{"data": {"ttl": 60, "renewable": true}}', path=f"/v1/{LOOK_UP}")
    clock.now += 11
    read(vault, "app/key")
    assert (2, clock.now + 60) == (asked(server, f"/v1/{LOOK_UP}"), _token(vault).ends_at)


def test_a_look_up_that_hangs_leaves_time_for_the_read(server: FaultyServer) -> None:
    server.answer(delay=30, path=f"/v1/{LOOK_UP}")
    assert "good" == read(resolver_of(server), "app/key", timeout=1)


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"data": []}', '{"data": {"ttl": "60", "renewable": 1}}', "<p>"]
)
def test_a_look_up_that_is_answered_with_nonsense_tells_nothing(server: FaultyServer, body: str) -> None:
    server.answer(200, JSON, body, path=f"/v1/{LOOK_UP}")
    vault = resolver_of(server)
    assert "good" == read(vault, "app/key")
    assert (float("inf"), False) == (_token(vault).ends_at, _token(vault).renewable)


def _log_in_renewably(server: FaultyServer) -> None:
    auth = '{"client_token": "s.token", "lease_duration": 60, "renewable": true}'
    server.answer(200, JSON, f'{{"auth": {auth}}}', path=LOGIN)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_renewal_that_fails_stops_no_reader_and_is_made_again(
    server: FaultyServer, clock: FakeClock, status: int
) -> None:
    _log_in_renewably(server)
    server.answer(status, path=f"/v1/{RENEW}")
    vault = resolver_of(server, auth=APPROLE)
    read(vault, "app/key")
    clock.now += 41
    assert ["good"] * 3 == [read(vault, "app/key") for _ in range(3)]
    assert 1 == asked(server, f"/v1/{RENEW}")
    clock.now += 10
    read(vault, "app/key")
    assert (2, 1) == (asked(server, f"/v1/{RENEW}"), asked(server, LOGIN))


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_renewal_that_is_refused_is_followed_by_a_login(
    server: FaultyServer, clock: FakeClock, status: int
) -> None:
    _log_in_renewably(server)
    server.answer(status, JSON, '{"errors": ["no"]}', path=f"/v1/{RENEW}")
    vault = resolver_of(server, auth=APPROLE)
    read(vault, "app/key")
    clock.now += 41
    assert "good" == read(vault, "app/key")
    assert (1, 2) == (asked(server, f"/v1/{RENEW}"), asked(server, LOGIN))


@pytest.mark.parametrize(
    ("data", "increment"),
    [({}, 30), ({"creation_ttl": 100}, 100), ({"creation_ttl": 100, "period": 200}, 200)],
)
def test_a_given_token_asks_for_as_much_as_it_was_made_for(
    server: FaultyServer, clock: FakeClock, data: dict[str, int], increment: int
) -> None:
    found = {"data": {"ttl": 30, "renewable": True, **data}}
    server.answer(200, JSON, json.dumps(found), path=f"/v1/{LOOK_UP}")
    vault = resolver_of(server)
    read(vault, "app/key")
    clock.now += 21
    read(vault, "app/key")
    [renewal] = [received for received in server.requests if received.path == f"/v1/{RENEW}"]
    assert {"increment": increment} == json.loads(renewal.body)


@pytest.mark.parametrize("answer", ['{"auth": null}', "[]", '{"auth": {"lease_duration": "60"}}', "<p>"])
def test_a_renewal_that_is_answered_with_nonsense_is_followed_by_a_login(
    server: FaultyServer, clock: FakeClock, answer: str
) -> None:
    _log_in_renewably(server)
    server.answer(200, JSON, answer, path=f"/v1/{RENEW}")
    vault = resolver_of(server, auth=APPROLE)
    read(vault, "app/key")
    clock.now += 41
    assert "good" == read(vault, "app/key")
    assert 2 == asked(server, LOGIN)


@pytest.mark.parametrize("gone", [ConfigError("nothing is there"), OSError("no such file"), KeyError("x")])
def test_a_credential_that_is_gone_stops_no_reader_while_the_token_is_good(
    server: FaultyServer, clock: FakeClock, gone: Exception
) -> None:
    given = ["secret"]

    def secret_id() -> str:
        if given:
            return given.pop()
        raise gone

    vault = resolver_of(server, auth=APPROLE | {"secret_id": secret_id})
    read(vault, "app/key")
    clock.now += 41
    assert "good" == read(vault, "app/key")
    clock.now += 20
    with pytest.raises(type(gone)):
        read(vault, "app/key")


def test_a_tls_failure_of_a_renewal_is_loud(
    server: FaultyServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from secretsource.resolvers.vault import _client

    def in_the_middle(*_args: object) -> bool:
        raise BackendUnavailable("certificate", reason=Reason.TLS)

    _log_in_renewably(server)
    vault = resolver_of(server, auth=APPROLE)
    read(vault, "app/key")
    monkeypatch.setattr(_client, "renew", in_the_middle)
    clock.now += 41
    with pytest.raises(BackendUnavailable, match="TLS"):
        read(vault, "app/key")
