"""The fenced code blocks of a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NOT_RUN", "ROOT", "Block", "blocks_of", "pages"]

ROOT = Path(__file__).parents[2]
NOT_RUN = "not run by the tests"
"""What the title of a block says, for every reader to see, that no test runs."""

_OPENING = re.compile(r"(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w-]*)(?P<rest>.*)")
_TITLE = re.compile(r'title="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Block:
    """One block.

    Attributes:
        page: The file it stands in, for messages.
        line: Where it begins.
        language: The word behind the fence.
        title: What stands over it; the name of a file, ``Output``, or words.
        code: What is in it, without the indentation of the fence.
    """

    page: str
    line: int
    language: str
    title: str
    code: str

    @property
    def is_run(self) -> bool:
        return NOT_RUN not in self.title

    @property
    def file(self) -> str | None:
        """The file that the block is the content of, if its title names one."""
        return self.title if self.title and " " not in self.title and "." in self.title else None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return README and the pages of the documentation."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of *page* in order."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        opening = _OPENING.fullmatch(lines[at])
        at += 1
        if opening is None:
            continue
        start, indent = at, len(opening["indent"])
        while lines[at].strip() != opening["fence"]:
            at += 1
        title = _TITLE.search(opening["rest"])
        code = "".join(f"{line[indent:]}\n" for line in lines[start:at])
        name = page.relative_to(ROOT).as_posix()
        found.append(Block(name, start, opening["language"], title[1] if title else "", code))
        at += 1
    return found
