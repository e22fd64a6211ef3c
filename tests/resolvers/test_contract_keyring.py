"""The key store of the operating system, as one in memory plays it, keeps the contract of every resolver."""

from __future__ import annotations

from secretsource.resolvers.keyring import KeyringResolver
from secretsource.testing import ResolverContract
from tests.resolvers.memory_keyring import Memory


class TestKeyring(ResolverContract):
    binary = False
    documents = False
    writes = checks = True
    prefix = ""

    def make_resolver(self) -> KeyringResolver:
        return KeyringResolver(prefix=self.prefix, backend=f"{Memory.__module__}.Memory")

    def put(self, name: str, value: str | bytes) -> None:
        Memory.held["secretsource", self.prefix + name] = value

    def remove(self, name: str) -> None:
        del Memory.held["secretsource", self.prefix + name]

    def reference(self, name: str, *, version: str | None = None) -> str:
        return f"keyring://secretsource/{self.prefix}{name}"


class TestKeyringWithPrefix(TestKeyring):
    prefix = "prod/"
