"""Conjur, as the stand-in plays it, keeps the contract of every resolver."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import pytest
import trustme

from secretsource._secret import masked
from secretsource.resolvers import Deadline, Document, Location
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.testing import FaultyServer, ResolverContract
from tests.resolvers.conjur.conftest import clean_environment, context_of
from tests.resolvers.conjur.support import resolver_for, token_body
from tests.servers.conjur import ConjurServer

__all__ = ["clean_environment"]


class Making(ConjurResolver):
    """Lets an operator make, by policy, what is written next: Conjur's clients cannot."""

    server: ConjurServer

    def put(
        self, location: Location, value: str | bytes, deadline: Deadline, *, expected: str | None = None
    ) -> Document:
        value = masked(value)
        with self.server.world.lock:
            full = f"{self.server.account}:variable:{location.address}"
            if not location.document and full not in self.server.world.store.resources:
                self.server.add_variable(location.address, readers=["alice"])
            if not location.document:
                self.server.permit("alice", ["update"], location.address)
        return super().put(location, value, deadline, expected=expected)


class TestConjur(ResolverContract):
    stores_empty = False  # Conjur refuses to set an empty value
    batches = True
    any_body = True
    writes = True
    compares = True
    checks = True
    policies = True
    prefix = ""

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        with ConjurServer() as self.server:
            yield
            assert [] == self.server.problems

    def make_resolver(self) -> ConjurResolver:
        auth = {"method": "api_key", "login": "alice", "api_key": self.server.api_key("alice")}
        made = Making(url=self.server.url, account=self.server.account, auth=auth, prefix=self.prefix)
        made.server = self.server
        return made

    def make_resolver_at(self, url: str) -> ConjurResolver:
        return resolver_for(self.server, url=url, prefix=self.prefix)

    def play(self, server: FaultyServer, name: str, value: str) -> str:
        path = f"/secrets/{self.server.account}/variable/{quote(self.prefix + name, safe='')}"
        server.answer(body=token_body(), path=f"/authn/{self.server.account}/alice/authenticate")
        server.answer(headers={"Content-Disposition": "attachment"}, body=value, path=path)
        return path

    def untrusted_context(self) -> ssl.SSLContext:
        return context_of(trustme.CA(), "127.0.0.1")

    def put(self, name: str, value: str | bytes) -> None:
        raw = value.encode() if isinstance(value, str) else value
        if self._exists(name):
            self.server.set(self.prefix + name, raw)
        else:
            self.server.add_variable(self.prefix + name, raw, readers=["alice"])

    def remove(self, name: str) -> None:
        self.server.remove(self.prefix + name)

    def deny(self, name: str) -> None:
        self.server.deny("alice", ["execute"], self.prefix + name)

    def reference(self, name: str, *, version: str | None = None) -> str:
        return f"conjur://{self.prefix}{name}"

    def credentials(self) -> Iterable[str]:
        return [self.server.api_key("alice")]

    def _exists(self, name: str) -> bool:
        return f"{self.server.account}:variable:{self.prefix}{name}" in self.server.world.store.resources


class TestConjurWithPrefix(TestConjur):
    prefix = "prod/"
