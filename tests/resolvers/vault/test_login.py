"""Logging in to a real OpenBao: tokens, AppRole, renewal, refusals, policies."""

from __future__ import annotations

import functools
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, ConfigError, InvalidResponse, Reason
from secretsource.resolvers import NotThere
from secretsource.resolvers._credential import Credential
from secretsource.resolvers.vault import VaultResolver, _client
from tests.resolvers.vault.support import no_environment, read, requests, together
from tests.servers.openbao import OpenBao

__all__ = ["no_environment"]

LOGIN = "auth/approle/login"
READ = 'path "secret/data/app/*" { capabilities = ["read"] }'


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao(audit=True) as server:
        server.policy("app", READ)
        server.put("secret", "app/x", {"value": "x"})
        server.put("secret", "closed/x", {"value": "x"})
        yield server


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    # The resolver builds its client with the clock of the system: no setting of users names one.
    with_clock = functools.partial(_client.Client, clock=clock)
    monkeypatch.setattr(_client, "Client", with_clock)
    return clock


def _approle(bao: OpenBao, **more: object) -> VaultResolver:
    role_id, secret_id = bao.approle(f"r{secrets.token_hex(4)}", ["app"], **more)
    bao.clear_audit()
    return VaultResolver(
        address=bao.url, auth={"method": "approle", "role_id": role_id, "secret_id": secret_id}
    )


def _token(bao: OpenBao, token: str) -> VaultResolver:
    return VaultResolver(address=bao.url, auth={"method": "token", "token": token})


def _newest_token(vault: VaultResolver) -> str:
    return vault._client.get().tokens.current(Deadline(1)).value.reveal()


# Tokens as they are given


def test_a_token_comes_from_the_environment_at_the_first_use(
    bao: OpenBao, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = VaultResolver(address=bao.url)
    monkeypatch.setenv("VAULT_TOKEN", bao.token(["app"]))
    assert "x" == read(vault, "app/x/value")


def test_bao_token_stands_before_vault_token(bao: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "wrong")
    monkeypatch.setenv("BAO_TOKEN", bao.token(["app"]))
    assert "x" == read(VaultResolver(address=bao.url), "app/x/value")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_token_comes_from_the_file_in_the_home_folder(bao: OpenBao, tmp_path: Path, ending: str) -> None:
    (tmp_path / ".vault-token").write_bytes((bao.token(["app"]) + ending).encode())
    assert "x" == read(VaultResolver(address=bao.url), "app/x/value")


def test_a_missing_token_says_what_to_set(bao: OpenBao) -> None:
    with pytest.raises(AccessDenied, match="no token: set VAULT_TOKEN"):
        read(VaultResolver(address=bao.url), "app/x/value")


def test_a_token_file_that_cannot_be_read_is_named(bao: OpenBao, tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_bytes(b"\xff\xfe")
    with pytest.raises(AccessDenied, match=r"~/\.vault-token cannot be read"):
        read(VaultResolver(address=bao.url), "app/x/value")


def test_a_token_with_a_line_break_inside_is_not_sent(bao: OpenBao) -> None:
    token = bao.token(["app"])
    bao.clear_audit()
    with pytest.raises(AccessDenied, match="characters that no token has"):
        read(_token(bao, f"{token}\r\nX-More: {token}"), "app/x/value")
    assert [] == bao.audit_records()


def test_a_token_is_used_without_looking_it_up(bao: OpenBao) -> None:
    vault = _token(bao, bao.token(["app"]))
    bao.clear_audit()
    read(vault, "app/x/value")
    read(vault, "app/x/value")
    assert {"sys/internal/ui/mounts/secret/app/x": 1, "secret/data/app/x": 2} == dict(requests(bao))


def test_a_refused_token_is_read_again_and_used_if_it_changed(bao: OpenBao, tmp_path: Path) -> None:
    vault, file = VaultResolver(address=bao.url), tmp_path / ".vault-token"
    first = bao.token(["app"])
    file.write_text(first)
    assert "x" == read(vault, "app/x/value")
    bao.revoke(first)
    file.write_text(bao.token(["app"]))
    assert "x" == read(vault, "app/x/value")


def test_a_refused_token_that_did_not_change_is_not_tried_again(bao: OpenBao) -> None:
    token = bao.token(["app"])
    vault = _token(bao, token)
    read(vault, "app/x/value")
    bao.revoke(token)
    bao.clear_audit()
    with pytest.raises(AccessDenied, match="HTTP 403"):
        read(vault, "app/x/value")
    assert 1 == requests(bao)["secret/data/app/x"]


def test_a_credential_that_cannot_be_read_is_told_as_it_is(bao: OpenBao) -> None:
    def broken() -> str:
        raise ConfigError("no such file")

    with pytest.raises(ConfigError, match="no such file"):
        read(VaultResolver(address=bao.url, auth={"method": "token", "token": broken}), "app/x/value")


# Policies


def test_a_denial_says_the_smallest_policy(bao: OpenBao) -> None:
    with pytest.raises(AccessDenied) as caught:
        read(_token(bao, bao.token(["app"])), "closed/x/value")
    assert "secret/closed/x#value" == caught.value.location
    assert (
        'check the token, the mount, and the policy: path "secret/data/closed/x" { capabilities = ["read"] }'
        in caught.value.detail
    )


def test_a_missing_secret_without_a_policy_is_denied_too(bao: OpenBao) -> None:
    vault = _token(bao, bao.token(["app"]))
    assert NotThere(Reason.MISSING) == read(vault, "app/missing/value")
    with pytest.raises(AccessDenied):
        read(vault, "closed/missing/value")


def test_a_token_without_any_right_on_the_mount_learns_nothing_of_it(bao: OpenBao) -> None:
    with pytest.raises(AccessDenied, match=r'path "secret/data/app/x" \{ capabilities'):
        read(_token(bao, bao.token(["default"])), "app/x/value")


# AppRole


def test_approle_logs_in_once_for_many_reads(bao: OpenBao) -> None:
    vault = _approle(bao)
    assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
    assert "x" == read(vault, "app/x/value")
    assert 1 == requests(bao)[LOGIN]


def test_approle_may_be_mounted_elsewhere(bao: OpenBao) -> None:
    bao.api("POST", "sys/auth/my/roles", {"type": "approle"})
    bao.api("POST", "auth/my/roles/role/r", {"token_policies": ["app"]})
    role_id = bao.api("GET", "auth/my/roles/role/r/role-id").body["data"]["role_id"]
    secret_id = bao.api("POST", "auth/my/roles/role/r/secret-id", {}).body["data"]["secret_id"]
    auth: dict[str, Credential] = {
        "method": "approle",
        "role_id": lambda: role_id,
        "secret_id": lambda: f"{secret_id}\n",
        "mount": "my/roles",
    }
    assert "x" == read(VaultResolver(address=bao.url, auth=auth), "app/x/value")


@pytest.mark.parametrize("wrong", ["role_id", "secret_id"])
def test_wrong_credentials_are_a_denial_after_one_login(bao: OpenBao, wrong: str) -> None:
    role_id, secret_id = bao.approle("right", ["app"])
    auth = {"method": "approle", "role_id": role_id, "secret_id": secret_id, wrong: secrets.token_hex()}
    bao.clear_audit()
    with pytest.raises(
        AccessDenied, match=r"HTTP 400 .* on login; auth/approle refused role_id or secret_id"
    ):
        read(VaultResolver(address=bao.url, auth=auth), "app/x/value")
    assert {LOGIN: 1} == dict(requests(bao))


def test_an_auth_method_that_is_not_mounted_is_told(bao: OpenBao) -> None:
    auth = {"method": "approle", "role_id": "x", "secret_id": "y", "mount": "nowhere"}
    with pytest.raises((AccessDenied, InvalidResponse), match="on login"):
        read(VaultResolver(address=bao.url, auth=auth), "app/x/value")


def test_a_secret_id_is_asked_for_at_each_login(bao: OpenBao) -> None:
    role_id, secret_id = bao.approle("callable", ["app"])
    asked = []

    def current() -> str:
        asked.append(1)
        return secret_id

    vault = VaultResolver(
        address=bao.url, auth={"method": "approle", "role_id": role_id, "secret_id": current}
    )
    assert 0 == len(asked)
    read(vault, "app/x/value")
    bao.revoke(_newest_token(vault))
    read(vault, "app/x/value")
    assert 2 == len(asked)


def test_one_login_serves_all_threads_whose_token_was_revoked(bao: OpenBao) -> None:
    vault = _approle(bao)
    for _ in range(5):
        read(vault, "app/x/value")
        bao.revoke(_newest_token(vault))
        bao.clear_audit()
        assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
        assert 1 == requests(bao)[LOGIN]


def test_one_login_serves_all_when_the_token_was_revoked_before_the_mount_was_known(bao: OpenBao) -> None:
    vault = _approle(bao)
    bao.revoke(_newest_token(vault))
    bao.clear_audit()
    assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
    assert 1 == requests(bao)[LOGIN]


def test_a_denied_path_costs_two_logins_at_most(bao: OpenBao) -> None:
    vault = _approle(bao)
    with pytest.raises(AccessDenied):
        read(vault, "closed/x/value")
    assert 2 == requests(bao)[LOGIN]
    assert 2 == requests(bao)["secret/data/closed/x"]


def test_a_token_for_few_uses_is_replaced(bao: OpenBao) -> None:
    vault = _approle(bao, token_num_uses=2)
    assert ["x"] * 5 == [read(vault, "app/x/value") for _ in range(5)]


def test_a_new_login_comes_at_two_thirds_of_the_lease(bao: OpenBao, clock: Clock) -> None:
    vault = _approle(bao, token_ttl="60s")
    read(vault, "app/x/value")
    clock.now += 39.9
    read(vault, "app/x/value")
    assert 1 == requests(bao)[LOGIN]
    clock.now += 0.2
    read(vault, "app/x/value")
    read(vault, "app/x/value")
    assert 2 == requests(bao)[LOGIN]


def test_a_token_of_two_seconds_is_renewed_before_it_ends(bao: OpenBao) -> None:
    vault, stop, failures = _approle(bao, token_ttl="2s"), threading.Event(), []
    deadline = Deadline(3.5)
    while not deadline.expired:
        if "x" != read(vault, "app/x/value"):
            failures.append(1)
        stop.wait(0.02)
    refused = [record for record in bao.audit_records(type="response") if record.get("error")]
    assert ([], []) == (failures, refused)
    assert 2 <= requests(bao)[LOGIN] <= 4


def test_a_renewal_that_fails_leaves_the_good_token_in_use(bao: OpenBao, clock: Clock) -> None:
    role = f"r{secrets.token_hex(4)}"
    role_id, secret_id = bao.approle(role, ["app"], token_ttl="60s")
    vault = VaultResolver(
        address=bao.url, auth={"method": "approle", "role_id": role_id, "secret_id": secret_id}
    )
    read(vault, "app/x/value")
    bao.api("POST", f"auth/approle/role/{role}/secret-id/destroy", {"secret_id": secret_id})
    bao.clear_audit()
    clock.now += 45
    assert ["x"] * 3 == [read(vault, "app/x/value") for _ in range(3)]
    assert 1 == requests(bao)[LOGIN]
    clock.now += 6
    read(vault, "app/x/value")
    assert 2 == requests(bao)[LOGIN]
    clock.now += 15
    with pytest.raises(AccessDenied, match="on login"):
        read(vault, "app/x/value")


def test_close_forgets_the_token(bao: OpenBao) -> None:
    vault = _approle(bao)
    read(vault, "app/x/value")
    vault.close()
    read(vault, "app/x/value")
    assert 2 == requests(bao)[LOGIN]
