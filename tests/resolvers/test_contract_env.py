"""Environment variables keep the contract of every resolver."""

from __future__ import annotations

import os

import pytest

from secretsource.resolvers.env import EnvResolver
from secretsource.testing import ResolverContract


class TestEnv(ResolverContract):
    stores_nul = False
    checks = True
    prefix = ""

    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.environment = monkeypatch

    def make_resolver(self) -> EnvResolver:
        return EnvResolver(prefix=self.prefix)

    def put(self, name: str, value: str | bytes) -> None:
        self.environment.setenv(self._variable(name), value if isinstance(value, str) else os.fsdecode(value))

    def remove(self, name: str) -> None:
        self.environment.delenv(self._variable(name))

    def reference(self, name: str, *, version: str | None = None) -> str:
        return f"env://{self._variable(name)}"

    def _variable(self, name: str) -> str:
        return self.prefix + name.replace("/", "_").upper()


class TestEnvWithPrefix(TestEnv):
    prefix = "MYAPP_"


class TestEnvWithFileVariables(TestEnv):
    """The values are in files, which ``_FILE`` variables name."""

    stores_nul = True
    keeps_line_end = False

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self.folder = tmp_path_factory.mktemp("values")

    def put(self, name: str, value: str | bytes) -> None:
        path = self.folder / self._variable(name)
        path.write_bytes(value.encode() if isinstance(value, str) else value)
        self.environment.setenv(self._variable(name) + "_FILE", str(path))

    def remove(self, name: str) -> None:
        (self.folder / self._variable(name)).unlink()
