"""A secret id that comes in a wrapping token, which can be opened once."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from secretsource.errors import AccessDenied, ConfigError, InvalidResponse
from secretsource.resolvers.vault import VaultResolver
from tests.fakes import FakeClock
from tests.resolvers.vault.logins import APPROLE_LOGIN, bao, clock, newest_token
from tests.resolvers.vault.support import (
    JSON,
    asked,
    no_environment,
    quick_retries,
    read,
    requests,
    resolver_of,
    server,
    together,
)
from tests.servers._http import request
from tests.servers.faulty import FaultyServer
from tests.servers.openbao import OpenBao

__all__ = ["bao", "clock", "no_environment", "quick_retries", "server"]

LOOK_UP = "sys/wrapping/lookup"
UNWRAP = "sys/wrapping/unwrap"
MADE_BY = '{"data": {"creation_path": "auth/approle/role/r/secret-id"}}'


class Role:
    """An AppRole whose secret ids are handed out wrapped, in a file."""

    def __init__(self, bao: OpenBao, folder: Path, **more: object) -> None:
        self._bao = bao
        self.name = f"r{secrets.token_hex(4)}"
        self.role_id, _ = bao.approle(self.name, ["app"], **more)
        self.file = folder / "wrapped"

    def wrap(self, path: str = "", body: object = None, ttl: str = "60") -> str:
        """Return a new wrapping token, by default with a secret id of this role."""
        headers = {"X-Vault-Token": self._bao.root_token, "X-Vault-Wrap-TTL": ttl}
        url = f"{self._bao.url}/v1/{path or f'auth/approle/role/{self.name}/secret-id'}"
        token: str = request("POST", url, body=body or {}, headers=headers).body["wrap_info"]["token"]
        return token

    def deliver(self, token: str = "") -> None:
        """Write a wrapping token into the file."""
        self.file.write_text((token or self.wrap()) + "\n")

    def resolver(self) -> VaultResolver:
        """Return a resolver that reads the file."""
        self._bao.clear_audit()
        auth = {
            "method": "approle",
            "role_id": self.role_id,
            "secret_id": self.file.read_text,
            "secret_id_wrapped": True,
        }
        return VaultResolver(address=self._bao.url, auth=auth)


@pytest.fixture
def role(bao: OpenBao, tmp_path: Path) -> Role:
    role = Role(bao, tmp_path)
    role.deliver()
    return role


def test_a_wrapped_secret_id_is_opened_once_for_all_threads_and_logins(bao: OpenBao, role: Role) -> None:
    vault = role.resolver()
    assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
    bao.revoke(newest_token(vault))
    assert "x" == read(vault, "app/x/value")
    assert (1, 2) == (requests(bao)[UNWRAP], requests(bao)[APPROLE_LOGIN])


def test_it_is_kept_when_the_file_is_gone_and_the_resolver_closed(role: Role) -> None:
    vault = role.resolver()
    read(vault, "app/x/value")
    role.file.unlink()
    vault.close()
    assert "x" == read(vault, "app/x/value")


def test_a_child_may_use_what_its_parent_has_opened(role: Role) -> None:
    vault = role.resolver()
    read(vault, "app/x/value")
    child = os.fork()
    if child == 0:
        os._exit(0 if read(vault, "app/x/value") == "x" else 1)
    assert 0 == os.waitpid(child, 0)[1]


def test_another_wrapping_token_in_the_file_is_opened_at_the_next_login(bao: OpenBao, role: Role) -> None:
    vault = role.resolver()
    read(vault, "app/x/value")
    role.deliver()
    assert (1, "x") == (requests(bao)[UNWRAP], read(vault, "app/x/value"))
    bao.revoke(newest_token(vault))
    assert ("x", 2) == (read(vault, "app/x/value"), requests(bao)[UNWRAP])


def test_a_wrapping_token_that_somebody_has_opened_is_told_loudly(bao: OpenBao, role: Role) -> None:
    bao.api("POST", UNWRAP, token=role.file.read_text().strip())
    with pytest.raises(AccessDenied, match=r"is used up or has expired: .* its secret id is in other hands"):
        read(role.resolver(), "app/x/value")
    assert 0 == requests(bao)[APPROLE_LOGIN]


def test_a_wrapping_token_that_no_role_has_made_is_not_opened(bao: OpenBao, role: Role) -> None:
    role.deliver(role.wrap("sys/wrapping/wrap", {"secret_id": secrets.token_hex()}))
    with pytest.raises(
        AccessDenied, match="was not made by a role of auth/approle: somebody may have put it"
    ):
        read(role.resolver(), "app/x/value")
    assert (0, 0) == (requests(bao)[UNWRAP], requests(bao)[APPROLE_LOGIN])


def test_a_wrapping_token_of_another_mount_is_not_opened(bao: OpenBao, role: Role) -> None:
    bao.api("POST", "sys/auth/other", {"type": "approle"})
    bao.api("POST", "auth/other/role/r", {"token_policies": ["app"]})
    role.deliver(role.wrap("auth/other/role/r/secret-id"))
    with pytest.raises(AccessDenied, match="was not made by a role of auth/approle"):
        read(role.resolver(), "app/x/value")


def test_a_secret_id_that_was_chosen_by_hand_may_be_wrapped_too(role: Role) -> None:
    path = f"auth/approle/role/{role.name}/custom-secret-id"
    role.deliver(role.wrap(path, {"secret_id": secrets.token_hex()}))
    assert "x" == read(role.resolver(), "app/x/value")


def test_a_plain_secret_id_in_its_place_is_refused(bao: OpenBao, role: Role) -> None:
    role.deliver(secrets.token_hex(16))
    with pytest.raises(AccessDenied, match="wrapping token in secret_id is used up or has expired"):
        read(role.resolver(), "app/x/value")
    assert 0 == requests(bao)[APPROLE_LOGIN]


def test_what_is_no_token_is_not_sent(bao: OpenBao, role: Role) -> None:
    role.deliver("two words")
    with pytest.raises(AccessDenied, match="characters that no token has"):
        read(role.resolver(), "app/x/value")
    assert [] == bao.audit_records()


def test_a_wrapped_secret_id_works_in_a_namespace(bao: OpenBao, role: Role, tmp_path: Path) -> None:
    bao.namespace("wrapped")
    for path, body in (
        ("sys/auth/approle", {"type": "approle"}),
        ("sys/mounts/kv", {"type": "kv", "options": {"version": "1"}}),
        ("kv/x", {"value": "there"}),
        ("sys/policies/acl/all", {"policy": 'path "kv/*" { capabilities = ["read"] }'}),
        ("auth/approle/role/r", {"token_policies": ["all"]}),
    ):
        assert bao.api("POST", path, body, namespace="wrapped").status < 300
    role_id = bao.api("GET", "auth/approle/role/r/role-id", namespace="wrapped").body["data"]["role_id"]
    role.deliver(role.wrap("wrapped/auth/approle/role/r/secret-id"))
    auth = {
        "method": "approle",
        "role_id": role_id,
        "secret_id": role.file.read_text,
        "secret_id_wrapped": True,
    }
    vault = VaultResolver(address=bao.url, namespace="wrapped", mount="kv", auth=auth)
    assert "there" == read(vault, "x")


def test_a_file_that_is_not_there_is_told_as_it_is(bao: OpenBao, role: Role) -> None:
    def missing() -> str:
        raise ConfigError("nothing is at file:///run/secrets/wrapped")

    auth = {"method": "approle", "role_id": role.role_id, "secret_id": missing, "secret_id_wrapped": True}
    with pytest.raises(ConfigError, match="nothing is at file"):
        read(VaultResolver(address=bao.url, auth=auth), "app/x/value")


def test_a_renewal_does_not_open_it_again(bao: OpenBao, tmp_path: Path, clock: FakeClock) -> None:
    role = Role(bao, tmp_path, token_type="batch", token_ttl="60s")
    role.deliver()
    vault = role.resolver()
    for _ in range(4):
        assert "x" == read(vault, "app/x/value")
        clock.now += 45
    assert (1, 4) == (requests(bao)[UNWRAP], requests(bao)[APPROLE_LOGIN])


def _wrapped_resolver(server: FaultyServer) -> VaultResolver:
    auth = {"method": "approle", "role_id": "r", "secret_id": "s.wrapping", "secret_id_wrapped": True}
    return resolver_of(server, auth=auth)


@pytest.mark.parametrize("body", ["", "[]", '{"data": {}}', '{"data": {"secret_id": 1}}', "<p>"])
def test_an_answer_that_holds_no_secret_id_is_broken(server: FaultyServer, body: str) -> None:
    server.answer(200, JSON, MADE_BY, path=f"/v1/{LOOK_UP}")
    server.answer(200, JSON, body, path=f"/v1/{UNWRAP}")
    with pytest.raises(InvalidResponse, match="holds no secret id"):
        read(_wrapped_resolver(server), "app/key")


@pytest.mark.parametrize(
    "made_by",
    [
        "",
        "auth/approle/role/secret-id",
        "auth/approle/role/r/secret-id/",
        "x/auth/approle/role/r/secret-id",
        "auth/approle/role/r/s/secret-id",
        "auth/approleXrole/r/secret-id",
        "cubbyhole/auth/approle/role/r/secret-id",
    ],
)
def test_only_the_path_of_a_secret_id_counts(server: FaultyServer, made_by: str) -> None:
    body = f'{{"data": {{"creation_path": "{made_by}"}}}}'
    server.answer(200, JSON, body, path=f"/v1/{LOOK_UP}")
    with pytest.raises(AccessDenied, match="was not made by a role"):
        read(_wrapped_resolver(server), "app/key")
    assert 0 == asked(server, f"/v1/{UNWRAP}")


@pytest.mark.parametrize("value", ["true", 1, None])
def test_the_flag_is_true_or_false(server: FaultyServer, value: object) -> None:
    auth = {"method": "approle", "role_id": "r", "secret_id": "s", "secret_id_wrapped": value}
    with pytest.raises(
        ConfigError, match="'secret_id_wrapped' in auth of method 'approle' must be true or false"
    ):
        resolver_of(server, auth=auth)


def test_a_flag_that_is_false_changes_nothing(bao: OpenBao, role: Role) -> None:
    role_id, secret_id = bao.approle("plain", ["app"])
    auth = {"method": "approle", "role_id": role_id, "secret_id": secret_id, "secret_id_wrapped": False}
    assert "x" == read(VaultResolver(address=bao.url, auth=auth), "app/x/value")
