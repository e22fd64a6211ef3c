"""Every example is found, and can be run from a clean environment: ``make examples`` does."""

from __future__ import annotations

import ast
import tomllib

import pytest

from tests.examples.folders import ROOT, examples, extras_of

DEMO = {"demo"}  # it shows the servers of the tests, and so runs in their environment


def text(name: str, file: str) -> str:
    return (ROOT / "examples" / name / file).read_text(encoding="utf-8")


def test_every_folder_says_what_it_needs() -> None:
    folders = {path.parent.name for path in (ROOT / "examples").glob("*/__init__.py")}

    assert folders - DEMO == set(examples())


@pytest.mark.parametrize("name", examples())
def test_the_extras_that_an_example_names_are_there(name: str) -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert set() == set(extras_of(name)) - table["project"]["optional-dependencies"].keys()


@pytest.mark.parametrize("name", examples())
def test_an_example_says_how_it_is_run(name: str) -> None:
    told = ast.get_docstring(ast.parse(text(name, "__main__.py"))) or ""

    assert f"python -m examples.{name}" in told
    assert f"examples/{name}/requirements.txt" in told


@pytest.mark.parametrize("name", examples())
def test_an_example_needs_nothing_of_the_repository_but_its_own_folder(name: str) -> None:
    imported: set[str] = set()
    for path in (ROOT / "examples" / name).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module or "")
    ours = {module for module in imported if module.partition(".")[0] in ("tests", "examples", "bench")}

    assert set() == {module for module in ours if module.split(".")[:2] != ["examples", name]}
