"""Reading documents from a real OpenBao: KV versions, mounts, namespaces, revisions, values."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from secretsource.errors import AccessDenied, BackendUnavailable, InvalidResponse, Reason
from secretsource.resolvers import Document, NotThere
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.support import fetch, no_environment, read, requests, together
from tests.servers.openbao import OpenBao

__all__ = ["no_environment"]

LOOK_UP = "sys/internal/ui/mounts/"


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao(audit=True) as server:
        server.mount("kv1", "kv", {"version": "1"})
        server.mount("team/kv", "kv", {"version": "2"})
        yield server


@pytest.fixture
def vault(bao: OpenBao) -> Iterator[VaultResolver]:
    resolver = _resolver(bao)
    yield resolver
    resolver.close()


def _resolver(bao: OpenBao, **settings: object) -> VaultResolver:
    auth = {"method": "token", "token": bao.root_token}
    return VaultResolver(**{"address": bao.url, "auth": auth, **settings})


def _path() -> str:
    return f"p{secrets.token_hex(6)}"


# Names and mounts


def test_a_name_is_a_key_of_a_document(bao: OpenBao, vault: VaultResolver) -> None:
    path, value = _path(), secrets.token_hex()
    bao.put("secret", path, {"api_key": value, "other": "x"})
    assert value == read(vault, f"{path}/api_key")


def test_a_name_of_one_segment_is_the_key_value(bao: OpenBao, vault: VaultResolver) -> None:
    path, value = _path(), secrets.token_hex()
    bao.put("secret", path, {"value": value})
    assert value == read(vault, path)
    assert value == read(vault, f"vault://secret/{path}")


def test_a_document_brings_all_fields_of_one_version(bao: OpenBao, vault: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"user": "u1", "password": "p1"})
    bao.put("secret", path, {"user": "u2", "password": "p2"})
    document = fetch(vault, path, document=True)
    assert isinstance(document, Document)
    assert ({"user": "u2", "password": "p2"}, "2") == (dict(document.fields), document.version)


def test_a_document_knows_when_its_version_was_made(bao: OpenBao, vault: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"value": "x"})
    document = fetch(vault, path)
    assert isinstance(document, Document)
    assert document.created is not None
    assert abs(datetime.now(UTC) - document.created) < timedelta(minutes=1)


def test_an_address_with_a_path_that_is_not_vaults_is_no_not_there(bao: OpenBao) -> None:
    vault = _resolver(bao, address=f"{bao.url}/elsewhere")
    with pytest.raises(InvalidResponse, match=r"HTTP 404 .*; check the path in address"):
        fetch(vault, f"{_path()}/key")
    vault.close()


def test_a_namespace_that_is_not_there_is_told(bao: OpenBao) -> None:
    vault = _resolver(bao, namespace="nobody")
    with pytest.raises(InvalidResponse, match=r"HTTP 404 .*; check namespace and mount"):
        fetch(vault, f"{_path()}/key")
    vault.close()


def test_kv_version_1_is_found_out(bao: OpenBao, vault: VaultResolver) -> None:
    path, value = _path(), secrets.token_hex()
    bao.put_v1("kv1", path, {"value": value})
    document = fetch(vault, f"vault://kv1/{path}")
    assert isinstance(document, Document)
    assert ({"value": value}, None, None) == (dict(document.fields), document.version, document.lease)


def test_a_mount_may_have_slashes(bao: OpenBao, vault: VaultResolver) -> None:
    path, value = _path(), secrets.token_hex()
    bao.put("team/kv", f"deep/{path}", {"key": value})
    assert value == read(vault, f"vault://team/kv/deep/{path}#key")
    assert value == read(_resolver(bao, mount="team/kv"), f"deep/{path}/key")


def test_a_prefix_applies_to_names_only(bao: OpenBao) -> None:
    path = _path()
    bao.put("secret", f"prod/{path}", {"value": "prod"})
    bao.put("secret", path, {"value": "plain"})
    vault = _resolver(bao, prefix="prod/")
    assert "prod" == read(vault, path)
    assert "plain" == read(vault, f"vault://secret/{path}")


def test_a_namespace_is_another_place(bao: OpenBao) -> None:
    namespace, path = f"n{secrets.token_hex(4)}", _path()
    bao.namespace(namespace)
    bao.mount("secret", "kv", {"version": "2"}, namespace=namespace)
    bao.put("secret", path, {"value": "inside"}, namespace=namespace)
    assert "inside" == read(_resolver(bao, namespace=namespace), path)
    assert NotThere(Reason.MISSING) == read(_resolver(bao), path)


def test_a_namespace_comes_from_the_environment(bao: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace, path = f"n{secrets.token_hex(4)}", _path()
    bao.namespace(namespace)
    bao.mount("secret", "kv", {"version": "1"}, namespace=namespace)
    bao.put_v1("secret", path, {"value": "inside"}, namespace=namespace)
    monkeypatch.setenv("VAULT_NAMESPACE", f"/{namespace}/")
    assert "inside" == read(_resolver(bao), path)


def test_a_namespace_that_does_not_exist_is_not_taken_for_a_missing_secret(bao: OpenBao) -> None:
    with pytest.raises(InvalidResponse, match="HTTP 404"):
        read(_resolver(bao, namespace="nowhere"), "x")


def test_a_mount_is_looked_up_once_until_close(bao: OpenBao, vault: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"value": "x"})
    bao.clear_audit()
    for name in (path, f"{path}/value", f"vault://secret/{path}", "other"):
        read(vault, name)
    assert 1 == sum(count for asked, count in requests(bao).items() if asked.startswith(LOOK_UP))
    vault.close()
    read(vault, path)
    assert 2 == sum(count for asked, count in requests(bao).items() if asked.startswith(LOOK_UP))


def test_threads_that_start_together_look_a_mount_up_once(bao: OpenBao, vault: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"value": "x"})
    bao.clear_audit()
    assert ["x"] * 16 == together(lambda: read(vault, path))
    assert 1 == sum(count for asked, count in requests(bao).items() if asked.startswith(LOOK_UP))


def test_a_mount_that_was_upgraded_is_looked_up_again(bao: OpenBao, vault: VaultResolver) -> None:
    mount, path = f"m{secrets.token_hex(4)}", _path()
    bao.mount(mount, "kv", {"version": "1"})
    bao.put_v1(mount, path, {"value": "old"})
    assert "old" == read(vault, f"vault://{mount}/{path}")
    bao.api("DELETE", f"sys/mounts/{mount}")
    bao.mount(mount, "kv", {"version": "2"})
    bao.put(mount, path, {"value": "new"})
    assert "new" == read(vault, f"vault://{mount}/{path}")


def test_a_path_that_names_only_a_mount_is_no_missing_secret(vault: VaultResolver) -> None:
    with pytest.raises(InvalidResponse, match="names a mount"):
        read(vault, "vault://team/kv")


def test_a_mount_that_does_not_exist_is_denied_by_the_server(vault: VaultResolver) -> None:
    with pytest.raises(AccessDenied, match="check the token, the mount, and the policy"):
        read(vault, "vault://nowhere/x")


# Revisions


def test_a_version_can_be_asked_for(bao: OpenBao, vault: VaultResolver) -> None:
    path = _path()
    for value in ("one", "two", "three"):
        bao.put("secret", path, {"value": value})
    assert ("one", "two", "three") == tuple(
        read(vault, f"vault://secret/{path}?version={n}") for n in (1, 2, 3)
    )
    assert NotThere(Reason.MISSING) == read(vault, f"vault://secret/{path}?version=4")


def test_kv_version_1_keeps_no_versions(bao: OpenBao, vault: VaultResolver) -> None:
    bao.put_v1("kv1", "x", {"value": "x"})
    with pytest.raises(InvalidResponse, match="keeps no versions"):
        read(vault, "vault://kv1/x?version=1")


def test_what_was_never_there_is_missing(vault: VaultResolver) -> None:
    assert NotThere(Reason.MISSING) == read(vault, "nothing/here")
    assert NotThere(Reason.MISSING) == read(vault, "vault://kv1/nothing")


def test_a_deleted_version_is_deleted(bao: OpenBao, vault: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"value": "x"})
    bao.api("DELETE", f"secret/data/{path}")
    answer = read(vault, path)
    assert isinstance(answer, NotThere)
    assert (Reason.DELETED, "this version is deleted") == (answer.reason, answer.detail)


def test_a_destroyed_version_is_deleted_for_good(bao: OpenBao, vault: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"value": "x"})
    bao.api("PUT", f"secret/destroy/{path}", {"versions": [1]})
    answer = read(vault, path)
    assert isinstance(answer, NotThere)
    assert (Reason.DELETED, "this version is destroyed") == (answer.reason, answer.detail)


# Values


def test_values_that_are_no_strings_come_as_json(bao: OpenBao, vault: VaultResolver) -> None:
    path = _path()
    data = {
        "text": 'a "quoted" <tag> & ü\n',
        "empty": "",
        "true": True,
        "false": False,
        "integer": 1234567890123456,
        "float": 2.5,
        "list": [1, "a", None],
        "object": {"a": {"b": "ü"}},
        "null": None,
    }
    bao.put("secret", path, data)
    document = fetch(vault, path, document=True)
    assert isinstance(document, Document)
    assert {
        "text": 'a "quoted" <tag> & ü\n',
        "empty": "",
        "true": "true",
        "false": "false",
        "integer": "1234567890123456",
        "float": "2.5",
        "list": '[1,"a",null]',
        "object": '{"a":{"b":"ü"}}',
    } == dict(document.fields)


def test_a_value_of_hundreds_of_kilobytes_comes_whole(bao: OpenBao, vault: VaultResolver) -> None:
    path, value = _path(), secrets.token_hex(250_000)
    bao.put("secret", path, {"value": value})
    assert value == read(vault, path)


def test_a_document_over_the_limit_is_refused_again_and_again(bao: OpenBao) -> None:
    path = _path()
    bao.put("secret", path, {"value": secrets.token_hex(50_000)})
    bao.put("secret", "small", {"value": "x"})
    vault = _resolver(bao, max_bytes=1000)
    for _ in range(12):  # more than there are places in the pool, with the retries
        with pytest.raises(InvalidResponse, match="more than 66536 bytes"):
            read(vault, path, timeout=5)
    assert "x" == read(vault, "small")


# Processes and threads


def test_many_threads_share_sixteen_connections_quietly(
    bao: OpenBao, vault: VaultResolver, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [_path() for _ in range(40)]
    for path in paths:
        bao.put("secret", path, {"value": path})
    with caplog.at_level(logging.WARNING):
        assert [paths] * 40 == together(lambda: [read(vault, path) for path in paths], 40)
    assert [] == caplog.records


def test_a_forked_child_has_a_client_of_its_own(bao: OpenBao, vault: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"value": path})
    assert path == read(vault, path)
    bao.clear_audit()
    for _ in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if all(path == read(vault, path) for _ in range(50)) else 2
            finally:
                os._exit(status)
        assert all(path == read(vault, path) for _ in range(50))
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ports = {record["request"]["remote_port"] for record in bao.audit_records(type="request")}
    assert 4 == len(ports)
    assert 3 == requests(bao)[f"{LOOK_UP}secret/{path}"]


def test_a_sealed_server_is_named_sealed() -> None:
    with OpenBao() as server:
        vault = _resolver(server)
        server.put("secret", "x", {"value": "x"})
        assert "x" == read(vault, "x")
        server.seal()
        with pytest.raises(BackendUnavailable, match="sealed") as caught:
            read(vault, "x")
        assert Reason.SEALED == caught.value.reason
