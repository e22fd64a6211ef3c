"""The built pages: nothing from elsewhere, and no link that leads nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, pages

_LOADING = {"audio", "embed", "iframe", "img", "link", "object", "script", "source", "video"}
_NOT_LOADED = {"canonical", "edit", "next", "prev"}
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_ELSEWHERE = re.compile(r"(?:https?:)?//", re.IGNORECASE)


class Assets(HTMLParser):
    """Collects what a browser loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _LOADING and given.get("rel") not in _NOT_LOADED:
            self.urls += [str(given[key]) for key in ("data", "href", "src", "srcset") if given.get(key)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    subprocess.run(
        command, cwd=ROOT, check=True, env={"NO_MKDOCS_2_WARNING": "1", "PATH": ""}, capture_output=True
    )
    return folder


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    built = list(site.rglob("*.html"))
    loaded = {(page.name, url) for page in built for url in assets_of(page) if _ELSEWHERE.match(url)}

    assert len(built) > 20
    assert set() == loaded


def test_no_style_sheet_loads_anything_from_elsewhere(site: Path) -> None:
    sheets = list(site.rglob("*.css"))
    loaded = {
        (sheet.name, url)
        for sheet in sheets
        for url in re.findall(r"(?:url\(|@import\s*)['\"]?([^'\")\s]+)", sheet.read_text(encoding="utf-8"))
        if _ELSEWHERE.match(url)
    }

    assert sheets
    assert set() == loaded


def test_every_page_is_in_the_navigation(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    built = [page.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for page in pages()[1:]]

    assert [] == [page for page in built if f'href="{page}"' not in start]


@pytest.mark.parametrize(
    "page", [*pages(), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"], ids=lambda page: page.name
)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links_of(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor and file.suffix == ".md" and "secretsource." not in anchor:
            assert anchor in anchors_of(file), f"{page.name} links to {target}; there are {anchors_of(file)}"


def assets_of(page: Path) -> list[str]:
    parser = Assets()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser.urls


def links_of(page: Path) -> Iterator[str]:
    prose = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return (target for target in _LINK.findall(prose) if "://" not in target)


def anchors_of(page: Path) -> set[str]:
    prose = _FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}
