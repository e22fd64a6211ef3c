"""A real OpenBao keeps the contract of every resolver, with both versions of its KV engine."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import trustme

from secretsource.resolvers.vault import VaultResolver
from secretsource.testing import ResolverContract
from tests.resolvers.vault.database import Database
from tests.resolvers.vault.support import JSON, no_environment
from tests.servers.faulty import FaultyServer
from tests.servers.openbao import OpenBao

__all__ = ["no_environment"]

_READ = 'path "{path}" {{ capabilities = ["read", "create", "update"] }}\n'
_DENY = 'path "{path}" {{ capabilities = ["deny"] }}\n'


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao() as server:
        server.mount("kv1", "kv", {"version": "1"})
        server.mount("team/kv", "kv", {"version": "2"})
        yield server


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database() as server:
        yield server


class TestKv2(ResolverContract):
    binary = False
    versions = True
    writes = True
    compares = True
    fresh = True
    checks = True
    policies = True
    mount = "secret"
    below = "data/"
    prefix = ""

    @pytest.fixture(autouse=True)
    def _server(self, bao: OpenBao) -> None:
        self.bao = bao
        self._allow(_READ.format(path=f"{self.mount}/{self.below}*"))
        self.token = bao.token([self._policy])

    def make_resolver(self) -> VaultResolver:
        if self._lends:
            return self._database.resolver(mount="database/creds")
        auth = {"method": "token", "token": self.token}
        return VaultResolver(address=self.bao.url, mount=self.mount, prefix=self.prefix, auth=auth)

    def put(self, name: str, value: str | bytes) -> None:
        path, field = self._split(name)
        self._fill(path, {**self._filled(path), field: value})

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

    @pytest.fixture(autouse=True)
    def _lender(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._lends = False

    def lend(self, name: str, value: str, seconds: float) -> None:
        """Let a user of a database be lent under that name; the resolvers that are made from now on ask there."""
        self._lends = True
        self._database.role(name.rpartition("/")[0], default=int(seconds), most=int(seconds))

    @property
    def _database(self) -> Database:
        database: Database = self._request.getfixturevalue("database")
        return database

    def make_resolver_at(self, url: str) -> VaultResolver:
        auth = {"method": "token", "token": self.token}
        return VaultResolver(address=url, mount=self.mount, prefix=self.prefix, auth=auth)

    def play(self, server: FaultyServer, name: str, value: str | bytes) -> str:
        path, field = self._split(name)
        read, options = f"/v1/{self.mount}/{self.below}{path}", {"version": "2" if self.versions else "1"}
        data: dict[str, object] = {field: value}
        document = {"data": data, "metadata": {"version": 1}} if self.versions else data
        mount = {"path": f"{self.mount}/", "type": "kv", "options": options}
        for asked, answer in {
            f"/v1/sys/internal/ui/mounts/{self.mount}/{path}": mount,
            "/v1/auth/token/lookup-self": {"ttl": 0},
            read: document,
        }.items():
            server.answer(body=json.dumps({"data": answer}), headers=JSON, path=asked)
        return read

    def untrusted_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        return context

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

    def _filled(self, path: str) -> dict[str, Any]:
        answer = self.bao.api("GET", f"{self.mount}/data/{path}")
        return {} if answer.status == 404 else answer.body["data"]["data"]

    def _fill(self, path: str, data: dict[str, Any]) -> None:
        self.bao.put(self.mount, path, data)


class TestKv2BelowAPrefixInADeepMount(TestKv2):
    mount = "team/kv"
    prefix = "prod/"


class TestKv1(TestKv2):
    versions = False
    compares = False
    mount = "kv1"
    below = ""

    def _filled(self, path: str) -> dict[str, Any]:
        answer = self.bao.api("GET", f"{self.mount}/{path}")
        return {} if answer.status == 404 else answer.body["data"]

    def _fill(self, path: str, data: dict[str, Any]) -> None:
        self.bao.put_v1(self.mount, path, data)
