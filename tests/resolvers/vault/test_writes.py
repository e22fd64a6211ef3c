"""Writing to KV engines of a real OpenBao: one key changes, everything else stays."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    InvalidReference,
    InvalidResponse,
    InvalidValue,
    Reason,
    WriteConflict,
)
from secretsource.resolvers import Deadline, Document, SupportsPut
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.support import (
    GOOD,
    JSON,
    LOOK_UP,
    READ,
    no_environment,
    quick_retries,
    read,
    resolver_of,
    server,
    together,
    vault,
)
from tests.servers.faulty import FaultyServer
from tests.servers.openbao import OpenBao

__all__ = ["no_environment", "quick_retries", "server", "vault"]

ODD = (
    '{"api_key":"old","float":1.10,"big":123456789012345678901234567890,"exponent":1E5,"negative":-0.0,'
    '"null":null,"true":true,"list":[1,"a",null,{"x":1.50}],"object":{"ü":{"b":"<&>\\u2028"}},"empty":{},"text":"é\\n"}'
)


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao(audit=True) as server:
        server.mount("kv1", "kv", {"version": "1"})
        server.mount("transit", "transit")
        yield server


@pytest.fixture
def real(bao: OpenBao) -> Iterator[VaultResolver]:
    resolver = _resolver(bao, bao.root_token)
    yield resolver
    resolver.close()


def _resolver(bao: OpenBao, token: str, **settings: object) -> VaultResolver:
    return VaultResolver(**{"address": bao.url, "auth": {"method": "token", "token": token}, **settings})


def _path() -> str:
    return f"p{secrets.token_hex(6)}"


def put(
    resolver: VaultResolver,
    name: str,
    value: str | bytes,
    *,
    expected: str | None = None,
    timeout: float = 10,
) -> Document:
    return resolver.put(resolver.locate(name), value, Deadline(timeout), expected=expected)


# KV version 2


def test_a_new_secret_is_version_1(bao: OpenBao, real: VaultResolver) -> None:
    assert isinstance(real, SupportsPut)
    path, value = _path(), secrets.token_hex()
    document = put(real, f"{path}/api_key", value)
    assert ("1", {"api_key": value}) == (document.version, dict(document.fields))
    assert {"api_key": value} == bao.api("GET", f"secret/data/{path}").body["data"]["data"]


def test_one_key_changes_and_the_others_stay(bao: OpenBao, real: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"api_key": "old", "other": "x"})
    document = put(real, f"{path}/api_key", "new")
    assert ("2", {"api_key": "new", "other": "x"}) == (document.version, dict(document.fields))


@pytest.mark.parametrize("mount", ["secret", "kv1"])
def test_the_other_keys_stay_to_the_digit(bao: OpenBao, real: VaultResolver, mount: str) -> None:
    path = _path()
    url = f"{bao.url}/v1/{mount}/{'data/' if mount == 'secret' else ''}{path}"
    body = f'{{"data":{ODD}}}' if mount == "secret" else ODD
    _raw("POST", url, bao.root_token, body)
    before = _data(url, bao.root_token, mount)
    put(real, f"vault://{mount}/{path}#api_key", "new")
    after = _data(url, bao.root_token, mount)
    assert '"old"' in before
    assert before.replace('"old"', '"new"') == after


def test_a_text_takes_the_place_of_what_was_a_number(bao: OpenBao, real: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"port": 5432})
    put(real, f"{path}/port", "5433")
    assert {"port": "5433"} == bao.api("GET", f"secret/data/{path}").body["data"]["data"]


@pytest.mark.parametrize("value", ["", " x\n", "ü\u2028\0\U0001f511", '"}],"x":{', "1", "null"])
@pytest.mark.parametrize("mount", ["secret", "kv1"])
def test_any_text_comes_back_as_it_was_written(real: VaultResolver, mount: str, value: str) -> None:
    name = f"vault://{mount}/{_path()}#key"
    assert value == put(real, name, value).fields["key"]
    assert value == read(real, name)
    assert value == put(real, name, value.encode()).fields["key"]


def test_a_deleted_secret_is_written_anew(bao: OpenBao, real: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"api_key": "old", "gone": "x"})
    bao.api("DELETE", f"secret/data/{path}")
    document = put(real, f"{path}/api_key", "new")
    assert ("2", {"api_key": "new"}) == (document.version, dict(document.fields))
    bao.api("PUT", f"secret/destroy/{path}", {"versions": [2]})
    assert "3" == put(real, f"{path}/api_key", "newer").version


def test_a_mount_that_demands_check_and_set_is_content(bao: OpenBao, real: VaultResolver) -> None:
    bao.mount("strict", "kv", {"version": "2"})
    bao.api("POST", "strict/config", {"cas_required": True})
    name = f"vault://strict/{_path()}#key"
    assert ["1", "2"] == [put(real, name, value).version for value in ("one", "two")]


def test_the_version_that_is_expected_is_replaced(bao: OpenBao, real: VaultResolver) -> None:
    path = _path()
    bao.put("secret", path, {"key": "one"})
    assert "2" == put(real, f"{path}/key", "two", expected="1").version


@pytest.mark.parametrize("expected", ["1", "3", "0", "x", ""])
def test_another_version_than_the_expected_one_stays(
    bao: OpenBao, real: VaultResolver, expected: str
) -> None:
    path = _path()
    for value in ("one", "two"):
        bao.put("secret", path, {"key": value})
    with pytest.raises(WriteConflict, match="the current version is 2") as caught:
        put(real, f"{path}/key", "three", expected=expected)
    assert (Reason.CONFLICT, f"secret/{path}#key") == (caught.value.reason, caught.value.location)
    assert "two" == read(real, f"{path}/key")


def test_nothing_may_be_expected_to_be_there(real: VaultResolver) -> None:
    name = f"{_path()}/key"
    assert "1" == put(real, name, "one", expected="0").version
    with pytest.raises(WriteConflict):
        put(real, name, "two", expected="0")


def test_writers_of_different_keys_lose_nothing(real: VaultResolver) -> None:
    path = _path()
    names = iter([f"{path}/key{number}" for number in range(4)])

    def write() -> None:
        put(real, next(names), "x")

    together(write, 4)
    document = real.fetch(real.locate(path, document=True), Deadline(5))
    assert isinstance(document, Document)
    assert ({f"key{number}" for number in range(4)}, "4") == (set(document.fields), document.version)


# KV version 1


def test_kv_version_1_keeps_the_other_keys_too(bao: OpenBao, real: VaultResolver) -> None:
    path = _path()
    bao.put_v1("kv1", path, {"api_key": "old", "other": "x"})
    document = put(real, f"vault://kv1/{path}#api_key", "new")
    assert (None, {"api_key": "new", "other": "x"}) == (document.version, dict(document.fields))


def test_kv_version_1_has_nothing_to_expect(bao: OpenBao, real: VaultResolver) -> None:
    with pytest.raises(
        WriteConflict, match="KV version 1 at kv1 has no versions to compare: leave expected out"
    ):
        put(real, f"vault://kv1/{_path()}#key", "x", expected="1")


# What cannot be written


def test_another_engine_is_not_written(real: VaultResolver) -> None:
    with pytest.raises(InvalidReference, match="only KV engines can be written"):
        put(real, "vault://transit/keys/x#key", "x")


def test_a_version_is_not_written(real: VaultResolver) -> None:
    with pytest.raises(InvalidReference, match="a version cannot be written"):
        put(real, "vault://secret/x?version=1#key", "x")


def test_a_whole_document_is_not_written(real: VaultResolver) -> None:
    with pytest.raises(InvalidReference, match="write one key of it"):
        real.put(real.locate("x", document=True), "x", Deadline(5))


@pytest.mark.parametrize("value", [b"\xff\xfe", "\ud800"])
def test_what_is_no_utf_8_is_not_written(bao: OpenBao, real: VaultResolver, value: str | bytes) -> None:
    bao.clear_audit()
    with pytest.raises(InvalidValue, match="base64"):
        put(real, "app/key", value)
    assert [] == bao.audit_records()


def test_a_value_over_the_limit_is_not_written(bao: OpenBao) -> None:
    small = _resolver(bao, bao.root_token, max_bytes=10)
    with pytest.raises(InvalidValue, match="more than 10 bytes"):
        put(small, f"{_path()}/key", "x" * 11)
    assert "x" * 10 == put(small, f"{_path()}/key", "x" * 10).fields["key"]


def test_a_document_that_could_not_be_read_any_more_is_not_written(bao: OpenBao) -> None:
    path, small = _path(), _resolver(bao, bao.root_token, max_bytes=1000)
    bao.put("secret", path, {f"key{number}": "x" * 1000 for number in range(61)})
    put(small, f"{path}/key0", "y" * 1000)
    with pytest.raises(InvalidValue, match="the document would have more than"):
        put(small, f"{path}/more", "x" * 1000)


def test_a_policy_that_lets_only_read_says_what_is_missing(bao: OpenBao) -> None:
    path = _path()
    bao.put("secret", path, {"key": "x"})
    bao.policy("reads", 'path "secret/data/*" { capabilities = ["read"] }')
    vault = _resolver(bao, bao.token(["reads"]))
    with pytest.raises(AccessDenied, match=r'"read", "create", "update"'):
        put(vault, f"{path}/key", "y")
    bao.policy("writes", 'path "secret/data/*" { capabilities = ["read", "create", "update"] }')
    vault = _resolver(bao, bao.token(["writes"]))
    assert "2" == put(vault, f"{path}/key", "y").version
    assert "1" == put(vault, f"{_path()}/key", "y").version


# What goes wrong in between


@pytest.mark.parametrize("version", [1, 2])
def test_numbers_are_sent_as_they_came(server: FaultyServer, version: int) -> None:
    """OpenBao makes them floats of 64 bits, as it does with those of everybody. Vault keeps their text."""
    mount = {"data": {"path": "secret/", "type": "kv", "options": {"version": str(version)}}}
    server.answer(body=json.dumps(mount), headers=JSON, path=LOOK_UP)
    path = READ if version == 2 else "/v1/secret/app"
    data = f'{{"data":{ODD},"metadata":{{"version":3}}}}' if version == 2 else ODD
    server.answer(body=f'{{"data":{data}}}', headers=JSON, path=path)
    with pytest.raises(InvalidResponse, match="what was read back"):
        put(resolver_of(server), "app/api_key", "new")
    body = next(request.body.decode() for request in server.requests if request.method == "POST")
    sent = body.removeprefix('{"options":{"cas":3},"data":').removesuffix("}" if version == 2 else "")
    assert ODD.replace('"old"', '"new"') == sent.replace("\\u00fc", "ü").replace("\\u00e9", "é")


def _writes(server: FaultyServer, value: str, version: int) -> None:
    """Let the server have *value* from now on."""
    document = {"data": {"data": {"key": value}, "metadata": {"version": version}}}
    server.answer(body=json.dumps(document), headers=JSON, path=READ)


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_write_whose_answer_was_lost_is_not_made_twice(
    server: FaultyServer, vault: VaultResolver, attempts: int
) -> None:
    server.answer(body=GOOD, headers=JSON, path=READ, times=1)
    server.answer(close=True, path=READ, times=attempts)  # the write, and perhaps what looks for it
    _writes(server, "mine", 8)
    assert "8" == put(vault, "app/key", "mine", expected="7").version
    assert 1 == sum(request.method == "POST" for request in server.requests)


def test_a_write_that_was_lost_is_made_again(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(body=GOOD, headers=JSON, path=READ, times=1)
    server.answer(503, path=READ, times=1)
    server.answer(body=GOOD, headers=JSON, path=READ, times=1)
    _writes(server, "mine", 8)
    assert "8" == put(vault, "app/key", "mine").version
    assert 2 == sum(request.method == "POST" for request in server.requests)


def test_others_who_write_again_and_again_are_a_conflict(server: FaultyServer, vault: VaultResolver) -> None:
    lost = '{"errors": ["check-and-set parameter did not match the current version"]}'
    for _ in range(5):
        server.answer(body=GOOD, headers=JSON, path=READ, times=1)
        server.answer(400, JSON, lost, path=READ, times=1)
    with pytest.raises(WriteConflict, match="others wrote it 5 times"):
        put(vault, "app/key", "mine")
    assert 5 == sum(request.method == "POST" for request in server.requests)


def test_somebody_else_who_wrote_the_same_first_is_a_conflict_too(
    server: FaultyServer, vault: VaultResolver
) -> None:
    server.answer(body=GOOD, headers=JSON, path=READ, times=1)
    lost = '{"errors": ["check-and-set parameter did not match the current version"]}'
    server.answer(400, JSON, lost, path=READ, times=1)
    _writes(server, "mine", 8)
    with pytest.raises(WriteConflict, match="the current version is 8"):
        put(vault, "app/key", "mine", expected="7")


def test_what_is_read_back_must_be_what_was_written(server: FaultyServer, vault: VaultResolver) -> None:
    with pytest.raises(InvalidResponse, match="what was read back is not what was written"):
        put(vault, "app/key", "mine")


def test_a_server_that_is_down_is_unavailable(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(503, path=READ)
    with pytest.raises(BackendUnavailable):
        put(vault, "app/key", "mine")
    assert 0 == sum(request.method == "POST" for request in server.requests)


@pytest.mark.parametrize("status", [201, 204, 301, 400, 413, 500])
def test_a_write_that_is_answered_otherwise_is_no_success(
    server: FaultyServer, vault: VaultResolver, status: int
) -> None:
    for _ in range(4):
        server.answer(body=GOOD, headers=JSON, path=READ, times=1)
        server.answer(status, path=READ, times=1)
    with pytest.raises((InvalidResponse, BackendUnavailable), match=f"HTTP {status}"):
        put(vault, "app/key", "mine")


def _raw(method: str, url: str, token: str, body: str | None = None) -> str:
    import urllib.request

    request = urllib.request.Request(
        url, method=method, data=None if body is None else body.encode(), headers={"X-Vault-Token": token}
    )
    with urllib.request.urlopen(request) as answer:
        return str(answer.read().decode())


def _data(url: str, token: str, mount: str) -> str:
    """Return the text of the fields as the server writes them."""
    text = _raw("GET", url, token)
    start = text.index('"data":{"data":' if mount == "secret" else '"data":')
    return text[start : text.index(',"metadata"' if mount == "secret" else ',"wrap_info"')]
