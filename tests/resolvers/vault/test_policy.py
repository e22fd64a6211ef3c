"""The smallest policy: a real OpenBao takes it, and it is enough."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secretsource.errors import AccessDenied
from secretsource.resolvers import SupportsPolicy
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.support import no_environment, read
from tests.servers.openbao import OpenBao

__all__ = ["no_environment"]

NAMES = ("app/key", "app/other", "vault://kv1/old/app#key", "vault://transit/export/encryption-key/key#name")


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao() as server:
        server.mount("kv1", "kv", {"version": "1"})
        server.mount("transit", "transit")
        server.api("POST", "transit/keys/key", {"exportable": True})
        server.put("secret", "app", {"key": "x", "other": "y"})
        server.put("secret", "odd%20%22name%22", {"key": "x"})
        server.put_v1("kv1", "old/app", {"key": "x"})
        yield server


def _resolver(bao: OpenBao, token: str, **settings: object) -> VaultResolver:
    return VaultResolver(**{"address": bao.url, "auth": {"method": "token", "token": token}, **settings})


def _policy(resolver: VaultResolver, *names: str) -> str:
    return resolver.policy_for([resolver.locate(name) for name in names])


def test_a_policy_for_what_was_read_is_exact_and_enough(bao: OpenBao) -> None:
    resolver = _resolver(bao, bao.root_token)
    assert isinstance(resolver, SupportsPolicy)
    for name in NAMES:
        read(resolver, name)
    policy = _policy(resolver, *NAMES)
    paths = ("secret/data/app", "kv1/old/app", "transit/export/encryption-key/key")
    assert "\n\n".join(f'path "{path}" {{\n  capabilities = ["read"]\n}}' for path in paths) + "\n" == policy
    bao.policy("exact", policy)
    reader = _resolver(bao, bao.token(["exact"]))
    assert ["x", "y", "x", "key"] == [read(reader, name) for name in NAMES]
    with pytest.raises(AccessDenied):
        read(reader, "vault://kv1/old/another#key")


def test_a_mount_that_was_never_asked_is_taken_for_version_2_and_the_policy_says_so(bao: OpenBao) -> None:
    policy = _policy(_resolver(bao, "unused"), "app/key", "vault://team/app#key")
    assert (
        '# If secret is not KV version 2, the path is "secret/app": it was not asked yet.\n'
        'path "secret/data/app" {\n  capabilities = ["read"]\n}\n\n'
        '# If team is not KV version 2, the path is "team/app": it was not asked yet.\n'
        'path "team/data/app" {\n  capabilities = ["read"]\n}\n'
    ) == policy
    bao.policy("guessed", policy)


def test_the_mount_of_names_may_have_slashes(bao: OpenBao) -> None:
    assert 'path "team/kv/data/app"' in _policy(_resolver(bao, "unused", mount="team/kv"), "app/key")


def test_what_is_given_back_needs_a_rule(bao: OpenBao) -> None:
    policy = _policy(_resolver(bao, "unused", revoke_on_close=True), "app/key")
    assert policy.endswith('path "sys/leases/revoke" {\n  capabilities = ["update"]\n}\n')
    bao.policy("revoking", policy)
    default = bao.api("GET", "sys/policies/acl/default").body["data"]["policy"]
    assert 'path "sys/leases/renew"' in default
    assert 'path "sys/leases/lookup"' in default
    assert "sys/leases/revoke" not in default


def test_quotes_in_a_path_are_escaped(bao: OpenBao) -> None:
    resolver, name = _resolver(bao, bao.root_token), "vault://secret/odd%20%22name%22#key"
    read(resolver, name)
    bao.policy("quoted", _policy(resolver, name))
    assert "x" == read(_resolver(bao, bao.token(["quoted"])), name)


@pytest.mark.parametrize("path", ["a/+/b", "a/%2A", "+"])
def test_a_path_that_a_policy_takes_for_a_pattern_is_marked(bao: OpenBao, path: str) -> None:
    assert "# + and * stand for anything" in _policy(_resolver(bao, "unused"), f"vault://secret/{path}#key")


def test_nothing_needs_no_policy(bao: OpenBao) -> None:
    assert "" == _policy(_resolver(bao, "unused"))
