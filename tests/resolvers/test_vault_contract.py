"""The Vault resolver keeps the contract of all resolvers, with KV version 2 and 1 of a real OpenBao."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterator

import pytest

from secretsource._reference import split_name
from secretsource.resolvers.vault import VaultResolver
from secretsource.testing import ResolverContract
from tests.resolvers._vault_support import no_environment
from tests.servers.openbao import OpenBao

__all__ = ["no_environment"]


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao() as server:
        server.mount("kv1", "kv", {"version": "1"})
        server.policy("all", 'path "+/*" { capabilities = ["read"] }')
        yield server


class VaultContract(ResolverContract):
    """What both KV versions share."""

    binary = False
    mount: str

    @pytest.fixture(autouse=True)
    def _prepare(self, bao: OpenBao) -> None:
        self.bao = bao
        self.prefix = f"{secrets.token_hex(6)}/"
        self.role_id, self.secret_id = bao.approle("contract", ["all"])
        self.written: dict[str, dict[str, object]] = defaultdict(dict)

    def make_resolver(self) -> VaultResolver:
        auth = {"method": "approle", "role_id": self.role_id, "secret_id": self.secret_id}
        return VaultResolver(address=self.bao.url, mount=self.mount, prefix=self.prefix, auth=auth)

    def put(self, name: str, value: str | bytes) -> None:
        path, field = split_name(name)
        self.written[path][field or "value"] = value
        self.write(self.prefix + path, self.written[path])

    def remove(self, name: str) -> None:
        path, _ = split_name(name)
        self.delete(self.prefix + path)

    def deny(self, name: str) -> None:
        self.role_id, self.secret_id = self.bao.approle("denied", ["default"])

    def credentials(self) -> list[str]:
        return [self.secret_id]

    def write(self, path: str, document: dict[str, object]) -> None:
        raise NotImplementedError

    def delete(self, path: str) -> None:
        raise NotImplementedError


class TestVersion2(VaultContract):
    mount = "secret"
    versions = True

    def write(self, path: str, document: dict[str, object]) -> None:
        self.bao.put("secret", path, document)

    def delete(self, path: str) -> None:
        self.bao.api("DELETE", f"secret/data/{path}")

    def reference(self, name: str, *, version: str | None = None) -> str:
        path, field = split_name(name)
        query = f"?version={version}" if version else ""
        return f"vault://secret/{self.prefix}{path}{query}#{field or 'value'}"


class TestVersion1(VaultContract):
    mount = "kv1"

    def write(self, path: str, document: dict[str, object]) -> None:
        self.bao.put_v1("kv1", path, document)

    def delete(self, path: str) -> None:
        self.bao.api("DELETE", f"kv1/{path}")
