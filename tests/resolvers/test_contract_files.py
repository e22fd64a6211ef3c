"""Mounted secret files keep the contract of every resolver."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsource.resolvers.files import FilesResolver
from secretsource.testing import ResolverContract


class TestFiles(ResolverContract):
    keeps_line_end = False
    checks = True

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "secrets"
        self.folder.mkdir()
        self.outside = tmp_path / "outside"

    def make_resolver(self) -> FilesResolver:
        return FilesResolver(path=str(self.folder))

    def put(self, name: str, value: str | bytes) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value.encode() if isinstance(value, str) else value)

    def remove(self, name: str) -> None:
        self._path(name).unlink()

    def deny(self, name: str) -> None:
        """A link that leaves the folder; permissions would not stop a test run by root."""
        self._path(name).rename(self.outside)
        self._path(name).symlink_to(self.outside)

    def reference(self, name: str, *, version: str | None = None) -> str:
        return f"files://{self._path(name)}"

    def _path(self, name: str) -> Path:
        return self.folder / name


class TestExactFiles(TestFiles):
    keeps_line_end = True

    def make_resolver(self) -> FilesResolver:
        return FilesResolver(path=str(self.folder), exact=True)


class TestFlatFiles(TestFiles):
    """Docker's way of writing a name: one file, without folders."""

    def _path(self, name: str) -> Path:
        return self.folder / name.replace("/", "_")
