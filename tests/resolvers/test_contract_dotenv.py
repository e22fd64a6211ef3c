"""``.env`` files keep the contract of every resolver."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsource.resolvers.dotenv import DotenvResolver
from secretsource.testing import ResolverContract


class TestDotenv(ResolverContract):
    binary = False
    writes = checks = True

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        self.lines: dict[str, str] = {}

    def make_resolver(self) -> DotenvResolver:
        return DotenvResolver(path=str(self.folder))

    def put(self, name: str, value: str | bytes) -> None:
        assert isinstance(value, str)
        quoted = value.replace("\\", "\\\\").replace("'", "\\'")
        self.lines[self._variable(name)] = f"{self._variable(name)}='{quoted}'\n"
        self._write()

    def remove(self, name: str) -> None:
        del self.lines[self._variable(name)]
        self._write()

    def reference(self, name: str, *, version: str | None = None) -> str:
        return f"dotenv://{self._variable(name)}"

    def _variable(self, name: str) -> str:
        return name.replace("/", "_").upper()

    def _write(self) -> None:
        (self.folder / ".env").write_text("".join(self.lines.values()), encoding="utf-8", newline="")
