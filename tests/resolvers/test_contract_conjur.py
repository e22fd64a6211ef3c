"""Conjur, as the stand-in plays it, keeps the contract of every resolver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from secretsource.resolvers.conjur import ConjurResolver
from secretsource.testing import ResolverContract
from tests.resolvers.conjur.conftest import clean_environment
from tests.resolvers.conjur.support import resolver_for
from tests.servers.conjur import ConjurServer

__all__ = ["clean_environment"]


class TestConjur(ResolverContract):
    stores_empty = False  # Conjur refuses to set an empty value
    batches = True
    prefix = ""

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        with ConjurServer() as self.server:
            yield
            assert [] == self.server.problems

    def make_resolver(self) -> ConjurResolver:
        return resolver_for(self.server, prefix=self.prefix)

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
