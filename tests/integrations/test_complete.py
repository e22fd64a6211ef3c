"""What each integration has besides its code: types that users can rely on, a page, an example, tests."""

from __future__ import annotations

import re

import pytest

from tests.integrations.modules import ROOT, modules

NAMES = sorted({name.partition(".")[0] for name in modules()})
# Pages and examples that serve several modules are named after what they have in common.
PAGES = {
    "aws_lambda": "aws-lambda",
    "asyncpg": "postgresql",
    "httpx": "http-clients",
    "httpx2": "http-clients",
    "psycopg_pool": "postgresql",
    "pydantic_settings": "pydantic-settings",
    "pymongo": "mongodb",
    "requests": "http-clients",
    "starlette": "fastapi",
}
EXAMPLES = {
    "httpx": "http_clients",
    "requests": "http_clients",
}

TESTS = {"httpx2": "httpx"}
# That of httpx is the same program; a notebook is none; no server is at hand that could be started.
WITHOUT_EXAMPLE = {"httpx2", "jupyter", "pymongo"}


@pytest.mark.parametrize("name", NAMES)
def test_type_checkers_see_how_it_is_used(name: str) -> None:
    files = (ROOT / "tests" / "typing").glob("*.py")
    wanted = re.compile(
        rf"^from secretsource\.integrations\.{name}\b|^from secretsource\.integrations import .*\b{name}\b",
        re.MULTILINE,
    )

    assert any(wanted.search(file.read_text(encoding="utf-8")) for file in files)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_tells_of_it(name: str) -> None:
    page = ROOT / "docs" / "how-to" / f"{PAGES.get(name, name)}.md"

    assert f"secretsource.integrations.{name}" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted({*NAMES} - WITHOUT_EXAMPLE))
def test_an_example_shows_it(name: str) -> None:
    files = (ROOT / "examples" / EXAMPLES.get(name, name)).rglob("*.py")

    assert any(f"secretsource.integrations.{name}" in file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("name", NAMES)
def test_it_has_tests(name: str) -> None:
    tests = [path.stem for path in (ROOT / "tests" / "integrations").glob("test_*.py")]

    assert f"test_{TESTS.get(name, name)}" in tests
