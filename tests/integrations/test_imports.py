"""What integrations may import: the public API, what they share, and no other integration."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import secretsource.integrations

ROOT = Path(secretsource.integrations.__path__[0])
OURS = "secretsource.integrations"
# A broker is a Redis, and logs in as one.
BUILT_ON = {"celery": {"redis"}}
FILES = sorted(ROOT.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, wherever the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: name the module"
            assert node.module is not None
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "secretsource"}


def integration_of(name: str) -> str:
    """Return the part behind ``secretsource.integrations.``."""
    return name.removeprefix(f"{OURS}.").split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_integration_imports_the_public_api_only(path: Path) -> None:
    outside = [name for name in imported(path) if not name.startswith(OURS)]
    private = [name for name in outside if any(part.startswith("_") for part in name.split("."))]
    assert [] == private


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_integration_imports_no_other(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    others = {integration_of(name) for name in imported(path) if name.startswith(f"{OURS}.")}
    assert {each for each in others if not each.startswith("_")} <= {own} | BUILT_ON.get(own, set())


def test_the_files_are_found() -> None:
    assert len(FILES) > 20
    assert {"secretsource", "secretsource.Store"} <= imported(ROOT / "redis.py") | imported(
        ROOT / "sqlalchemy.py"
    )
