"""The resolver for tests keeps the contract of real ones."""

from __future__ import annotations

from secretsource.testing import MemoryResolver, ResolverContract


class TestMemory(ResolverContract):
    versions = writes = compares = checks = policies = True

    def setup_method(self) -> None:
        self.memory = MemoryResolver()

    def make_resolver(self) -> MemoryResolver:
        return self.memory

    def put(self, name: str, value: str | bytes) -> None:
        self.memory.put(name, value)

    def remove(self, name: str) -> None:
        self.memory.remove(name)

    def deny(self, name: str) -> None:
        self.memory.deny(name)

    def lend(self, name: str, value: str, seconds: float) -> None:
        self.memory.put(name, value, lease=seconds)
        self.memory.prolong(name, seconds)

    def reference(self, name: str, *, version: str | None = None) -> str:
        path, _, field = name.rpartition("/")
        return f"memory://{path}{f'?version={version}' if version else ''}#{field}"
