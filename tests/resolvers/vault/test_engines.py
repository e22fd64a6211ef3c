"""Reading below mounts of other engines than KV: the path as it stands, and what their answers mean."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from secretsource.errors import AccessDenied, InvalidResponse, Reason
from secretsource.resolvers import Document, NotThere
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.support import fetch, no_environment, quick_retries, read, requests
from tests.servers.openbao import OpenBao

__all__ = ["no_environment", "quick_retries"]

KEY = "transit/export/encryption-key/key"


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao(audit=True) as server:
        for engine in ("transit", "totp", "pki", "rabbitmq", "ssh"):
            server.mount(engine, engine)
        server.api("POST", "transit/keys/key", {"exportable": True})
        totp = {"generate": True, "issuer": "x", "account_name": "x"}
        server.api("POST", "totp/keys/key", totp)
        server.policy("exports", f'path "{KEY}" {{ capabilities = ["read"] }}')
        yield server


@pytest.fixture
def vault(bao: OpenBao) -> Iterator[VaultResolver]:
    resolver = _resolver(bao, bao.root_token)
    yield resolver
    resolver.close()


def _resolver(bao: OpenBao, token: str, **settings: object) -> VaultResolver:
    return VaultResolver(**{"address": bao.url, "auth": {"method": "token", "token": token}, **settings})


def test_the_path_is_read_as_it_stands(bao: OpenBao, vault: VaultResolver) -> None:
    exported = bao.api("GET", KEY).body["data"]["keys"]["1"]
    bao.clear_audit()
    assert f'{{"1":"{exported}"}}' == read(vault, f"vault://{KEY}#keys")
    assert 1 == requests(bao)[KEY]


def test_a_document_that_is_not_lent_has_no_lease(vault: VaultResolver) -> None:
    document = fetch(vault, f"vault://{KEY}", document=True)
    assert isinstance(document, Document)
    assert (None, None, {"keys", "name", "type"}) == (document.lease, document.version, set(document.fields))


def test_the_mount_of_names_may_be_one_of_another_engine(bao: OpenBao) -> None:
    vault = _resolver(bao, bao.root_token, mount="totp/code")
    code = read(vault, "key/code")
    assert isinstance(code, str)
    assert code.isdecimal()


def test_the_right_to_read_the_path_is_enough(bao: OpenBao) -> None:
    assert "key" == read(_resolver(bao, bao.token(["exports"])), f"vault://{KEY}#name")


def test_a_policy_without_the_path_says_which_rule_is_missing(bao: OpenBao) -> None:
    vault = _resolver(bao, bao.token(["exports"]))
    with pytest.raises(AccessDenied, match=r'path "transit/export/hmac-key/key" \{ capabilities = '):
        read(vault, "vault://transit/export/hmac-key/key#name")


def test_a_mount_that_may_not_be_looked_up_leaves_both_rules_open(bao: OpenBao) -> None:
    vault = _resolver(bao, bao.token(["default"]))
    with pytest.raises(AccessDenied, match=r'or, if it is not KV version 2, path "transit/export/.*/key"'):
        read(vault, f"vault://{KEY}#name")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("transit/export/encryption-key/none", NotThere(Reason.MISSING)),
        ("rabbitmq/creds/none", NotThere(Reason.MISSING, "unknown role")),
        ("totp/code/none", NotThere(Reason.MISSING, "unknown key")),
    ],
)
def test_what_the_engine_does_not_know_is_not_there(
    vault: VaultResolver, path: str, expected: NotThere
) -> None:
    assert expected == read(vault, f"vault://{path}#x")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("pki/issue/web", "HTTP 405 .* it cannot be read as a secret"),
        ("ssh/creds/web", "HTTP 405 .* it cannot be read as a secret"),
        ("pki/cert/ca", "HTTP 400 .* the engine refuses this path"),
        ("transit/nowhere/x", "HTTP 404"),
        ("pki/ca/pem", "HTTP 204 .* nothing is set up"),
    ],
)
def test_a_path_that_is_no_secret_says_so(vault: VaultResolver, path: str, message: str) -> None:
    with pytest.raises(InvalidResponse, match=message):
        read(vault, f"vault://{path}#x")


def test_another_engine_keeps_no_versions(vault: VaultResolver) -> None:
    with pytest.raises(InvalidResponse, match="keeps no versions"):
        read(vault, f"vault://{KEY}?version=1#keys")


@pytest.mark.parametrize(
    "path", ["sys/mounts", "auth/token/lookup-self", "identity/entity/id", "cubbyhole/x"]
)
def test_what_belongs_to_a_namespace_is_never_read(bao: OpenBao, path: str) -> None:
    namespace = f"n{secrets.token_hex(4)}"
    bao.namespace(namespace)
    with pytest.raises(InvalidResponse, match="none of a secrets engine"):
        read(_resolver(bao, bao.root_token), f"vault://{namespace}/{path}#x")
