"""Logging in to a real OpenBao: tokens, AppRole, refusals, policies."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from secretsource.errors import AccessDenied, ConfigError, InvalidResponse, Reason
from secretsource.resolvers import NotThere
from secretsource.resolvers._credential import Credential
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.logins import (
    APPROLE_LOGIN,
    approle,
    bao,
    clock,
    newest_token,
    token_resolver,
)
from tests.resolvers.vault.support import no_environment, read, requests, together
from tests.servers.openbao import OpenBao

__all__ = ["bao", "clock", "no_environment"]

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
        read(token_resolver(bao, f"{token}\r\nX-More: {token}"), "app/x/value")
    assert [] == bao.audit_records()


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
    vault = token_resolver(bao, token)
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
        read(token_resolver(bao, bao.token(["app"])), "closed/x/value")
    assert "secret/closed/x#value" == caught.value.location
    assert (
        'check the token, the mount, and the policy: path "secret/data/closed/x" { capabilities = ["read"] }'
        in caught.value.detail
    )


def test_a_missing_secret_without_a_policy_is_denied_too(bao: OpenBao) -> None:
    vault = token_resolver(bao, bao.token(["app"]))
    assert NotThere(Reason.MISSING) == read(vault, "app/missing/value")
    with pytest.raises(AccessDenied):
        read(vault, "closed/missing/value")


def test_a_token_without_any_right_on_the_mount_learns_nothing_of_it(bao: OpenBao) -> None:
    with pytest.raises(AccessDenied, match=r'path "secret/data/app/x" \{ capabilities'):
        read(token_resolver(bao, bao.token(["default"])), "app/x/value")


# AppRole


def test_approle_logs_in_once_for_many_reads(bao: OpenBao) -> None:
    vault = approle(bao)
    assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
    assert "x" == read(vault, "app/x/value")
    assert 1 == requests(bao)[APPROLE_LOGIN]


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
    assert {APPROLE_LOGIN: 1} == dict(requests(bao))


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
    bao.revoke(newest_token(vault))
    read(vault, "app/x/value")
    assert 2 == len(asked)


def test_one_login_serves_all_threads_whose_token_was_revoked(bao: OpenBao) -> None:
    vault = approle(bao)
    for _ in range(5):
        read(vault, "app/x/value")
        bao.revoke(newest_token(vault))
        bao.clear_audit()
        assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
        assert 1 == requests(bao)[APPROLE_LOGIN]


def test_one_login_serves_all_when_the_token_was_revoked_before_the_mount_was_known(bao: OpenBao) -> None:
    vault = approle(bao)
    bao.revoke(newest_token(vault))
    bao.clear_audit()
    assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
    assert 1 == requests(bao)[APPROLE_LOGIN]


def test_a_denied_path_costs_two_logins_at_most(bao: OpenBao) -> None:
    vault = approle(bao)
    with pytest.raises(AccessDenied):
        read(vault, "closed/x/value")
    assert 2 == requests(bao)[APPROLE_LOGIN]
    assert 2 == requests(bao)["secret/data/closed/x"]


def test_a_token_for_few_uses_is_replaced(bao: OpenBao) -> None:
    vault = approle(bao, token_num_uses=2)
    assert ["x"] * 5 == [read(vault, "app/x/value") for _ in range(5)]


def test_close_forgets_the_token(bao: OpenBao) -> None:
    vault = approle(bao)
    read(vault, "app/x/value")
    vault.close()
    read(vault, "app/x/value")
    assert 2 == requests(bao)[APPROLE_LOGIN]
