"""A real OpenBao keeps the contract of every resolver, with both versions of its KV engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from secretsource.resolvers.vault import VaultResolver
from secretsource.testing import ResolverContract
from tests.resolvers.vault.support import no_environment
from tests.servers.openbao import OpenBao

__all__ = ["no_environment"]

_READ = 'path "{path}" {{ capabilities = ["read"] }}\n'
_DENY = 'path "{path}" {{ capabilities = ["deny"] }}\n'


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao() as server:
        server.mount("kv1", "kv", {"version": "1"})
        server.mount("team/kv", "kv", {"version": "2"})
        yield server


class TestKv2(ResolverContract):
    binary = False
    versions = True
    mount = "secret"
    below = "data/"
    prefix = ""

    @pytest.fixture(autouse=True)
    def _server(self, bao: OpenBao) -> None:
        self.bao = bao
        self._allow(_READ.format(path=f"{self.mount}/{self.below}*"))
        self.token = bao.token([self._policy])

    def make_resolver(self) -> VaultResolver:
        auth = {"method": "token", "token": self.token}
        return VaultResolver(address=self.bao.url, mount=self.mount, prefix=self.prefix, auth=auth)

    def put(self, name: str, value: str | bytes) -> None:
        path, field = self._split(name)
        self._write(path, {**self._read(path), field: value})

    def remove(self, name: str) -> None:
        """The document with this only key is deleted."""
        path, _ = self._split(name)
        assert 204 == self.bao.api("DELETE", f"{self.mount}/{self.below}{path}").status

    def deny(self, name: str) -> None:
        path, _ = self._split(name)
        allowed = _READ.format(path=f"{self.mount}/{self.below}*")
        self._allow(allowed + _DENY.format(path=f"{self.mount}/{self.below}{path}"))

    def reference(self, name: str, *, version: str | None = None) -> str:
        path, field = self._split(name)
        return f"vault://{self.mount}/{path}{f'?version={version}' if version else ''}#{field}"

    def credentials(self) -> Iterable[str]:
        return [self.token]

    @property
    def _policy(self) -> str:
        return f"contract-{type(self).__name__.lower()}"

    def _allow(self, hcl: str) -> None:
        self.bao.policy(self._policy, hcl)

    def _split(self, name: str) -> tuple[str, str]:
        path, _, field = name.rpartition("/")
        return (self.prefix + path, field) if path else (self.prefix + field, "value")

    def _read(self, path: str) -> dict[str, Any]:
        answer = self.bao.api("GET", f"{self.mount}/data/{path}")
        return {} if answer.status == 404 else answer.body["data"]["data"]

    def _write(self, path: str, data: dict[str, Any]) -> None:
        self.bao.put(self.mount, path, data)


class TestKv2BelowAPrefixInADeepMount(TestKv2):
    mount = "team/kv"
    prefix = "prod/"


class TestKv1(TestKv2):
    versions = False
    mount = "kv1"
    below = ""

    def _read(self, path: str) -> dict[str, Any]:
        answer = self.bao.api("GET", f"{self.mount}/{path}")
        return {} if answer.status == 404 else answer.body["data"]

    def _write(self, path: str, data: dict[str, Any]) -> None:
        self.bao.put_v1(self.mount, path, data)
