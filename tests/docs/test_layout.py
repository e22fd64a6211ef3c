"""CONTRIBUTING tells where each rule stands, in the words of the files themselves."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()[0].rstrip(".")


def modules() -> list[str]:
    folder = ROOT / "secretsource"
    paths = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    packages = sorted(path for path in folder.glob("*/__init__.py"))
    names = {path: path.name for path in paths} | {path: f"{path.parent.name}/" for path in packages}
    return [f"  {name:<20} {first_line(path)}" for path, name in names.items()]


def test_every_module_is_listed_with_what_it_says_of_itself() -> None:
    assert "\n".join(modules()) in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
