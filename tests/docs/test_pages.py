"""Each page is followed from its first block to its last, as a reader would."""

from __future__ import annotations

import json
import re
import secrets
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.docs.blocks import ROOT, Block, blocks_of, pages
from tests.docs.output import is_as_written
from tests.docs.shell import Shell
from tests.docs.stage import Stage, staged

_OUTPUT = "Output"
_LOAD = """
import sys
from secretsource import Config, configure
configure(Config.load({keyword}=sys.argv[1]))
"""


class Reader:
    """Somebody who does what a page says, block by block.

    Args:
        shell: Where commands are run.
        stage: Which addresses stand for the page's.
        folder: The working directory.
    """

    def __init__(self, shell: Shell, stage: Stage, folder: Path) -> None:
        self._shell = shell
        self._stage = stage
        self._folder = folder
        self._printed = ""

    def follow(self, block: Block) -> None:
        code = self._stage.translated(block.code)
        if block.title == _OUTPUT:
            assert is_as_written(code, self._printed), (
                f"{block} shows\n{code}\nand this is printed:\n{self._printed}"
            )
            return
        if block.file is not None:
            path = self._folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code, encoding="utf-8")
        check = _CHECKS.get(block.language)
        assert check is not None, (
            f"{block}: a block of the language {block.language!r} is neither run nor checked"
        )
        check(self, block, code)

    def run(self, block: Block, code: str) -> None:
        succeeded, self._printed = self._shell.run(code)
        assert succeeded, f"{block} failed and printed:\n{self._printed}"

    def run_console(self, block: Block, code: str) -> None:
        for exchange in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
            command, _, written = exchange.partition("\n")
            self.run(block, f"{command}\n")
            assert is_as_written(written, self._printed), f"{block}: {command} prints\n{self._printed}"

    def run_python(self, block: Block, code: str) -> None:
        compile(code, str(block), "exec")
        if block.file is None:
            script = self._folder / "_block.py"
            script.write_text(code, encoding="utf-8")
            self.run(block, f"python {script.name}")

    def load_toml(self, block: Block, code: str) -> None:
        table = tomllib.loads(code)
        if "project" in table and "secretsource" not in table.get("tool", {}):
            return
        path = self._folder / (block.file or "_fragment.toml")
        path.write_text(code, encoding="utf-8")
        self.run(block, f"python -c '{_LOAD.format(keyword=_CONFIG)}' {path}")
        if block.file is None:
            path.unlink()


def _parse_json(reader: Reader, block: Block, code: str) -> None:
    json.loads(code)


def _parse_yaml(reader: Reader, block: Block, code: str) -> None:
    assert yaml.compose(code) is not None  # with any tags, which Conjur's policies are made of


def _is_file(reader: Reader, block: Block, code: str) -> None:
    assert block.file is not None, f"{block}: give it the title of its file"


_CONFIG = "config_file"
_CHECKS: dict[str, Callable[[Reader, Block, str], None]] = {
    "bash": Reader.run,
    "console": Reader.run_console,
    "hcl": _is_file,
    "ini": _is_file,
    "json": _parse_json,
    "python": Reader.run_python,
    "toml": Reader.load_toml,
    "yaml": _parse_yaml,
}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page_can_be_followed_block_by_block(page: Path, tmp_path: Path) -> None:
    blocks = [
        block
        for block in blocks_of(page)
        if (block.is_run and block.language != "text") or block.title == _OUTPUT
    ]
    folder, scratch = tmp_path / "work", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    if page.name == "README.md":
        (folder / ".env").write_text(
            f"PEPIPOST_API_KEY={secrets.token_hex(8)}\n"
        )  # its first block is the promise
    with (
        staged(page.read_text(encoding="utf-8"), folder, scratch) as stage,
        Shell(folder, stage.environ, scratch) as shell,
    ):
        reader = Reader(shell, stage, folder)
        for block in blocks:
            reader.follow(block)


def test_few_blocks_are_not_run() -> None:
    left_out = [block for page in pages() for block in blocks_of(page) if not block.is_run]

    assert len(left_out) <= 4, [str(block) for block in left_out]


def test_a_block_says_what_it_is() -> None:
    nameless = [str(block) for page in pages() for block in blocks_of(page) if not block.language]

    assert [] == nameless
