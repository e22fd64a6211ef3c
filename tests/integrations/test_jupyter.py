"""A notebook shows no value by accident: IPython itself runs the cells, in a process of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("IPython")

ROOT = Path(__file__).parents[2]
EXTENSION = "%load_ext secretsource.integrations.jupyter"
START = """
from secretsource import Store, aget_secret, attempts, default_store, get_fields, get_secret, get_secret_bytes, secret
from secretsource.testing import MemoryResolver
key, raw, number = get_secret("pepipost/api_key"), get_secret_bytes("pepipost/api_key"), 3
"""
FAILS = """
def fails(key, keys):
    copied = key
    return 1 / 0
fails(key, [key])
"""
# Each is a cell whose output may be saved with the notebook.
SHOWN = [
    'get_secret("pepipost/api_key")',
    '[get_secret("pepipost/api_key")], {"key": key}, {key}, (key,) * 30',
    "raw",
    'get_fields("pepipost")',
    'default_store().get("pepipost/api_key")',
    "default_store()",
    'default_store().explain("pepipost/api_key")',
    'secret("pepipost/api_key")',
    'Store([MemoryResolver({"a": key.reveal()})]).chain',
    'list(attempts("pepipost/api_key", on=PermissionError).__iter__())[:0]',
    'await aget_secret("pepipost/api_key")',
    'get_secret("pepipost/api_key", refresh=True)',  # in a cell that the running loop of a kernel awaits
    "key[:4]",
    "_",
    "Out",
    "_oh",
    "display(key)",
    "from pprint import pprint; pprint({'key': key})",
    "%xmode Verbose",
    FAILS,
    "%xmode Context",
    FAILS,
    'key == "x" or default_store().get("no/such")',
    "%history -o",
    "%who",
    "%load_ext storemagic",
    "%store key",
    "%%capture captured\nkey",
    "captured.show()",
]
INSPECTED = ["%whos", "%whos MaskedStr", "key?", "key??", "%pinfo key", "raw?"]
RUNNER = """
import contextlib, io, json, sys
from IPython.core.interactiveshell import InteractiveShell

shell, said = InteractiveShell.instance(), []
for cell in json.load(sys.stdin):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        shell.run_cell(cell, store_history=True)
    said.append(printed.getvalue())
    if cell == "key?":
        said[-1] += json.dumps(shell.object_inspect_mime("key"))  # what a notebook shows in a tooltip
shell.history_manager.end_session() if hasattr(shell.history_manager, "end_session") else None
json.dump(said, sys.stdout)
"""


class Notebook:
    """Runs cells in a new IPython, with a value that no source has."""

    def __init__(self, folder: Path) -> None:
        self.value = "sk" + secrets.token_hex(8)
        self._folder = folder

    def run(self, *cells: str) -> list[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
        done = subprocess.run(
            [sys.executable, "-c", RUNNER],
            cwd=self._folder,
            env=kept
            | {
                "PEPIPOST_API_KEY": self.value,
                "IPYTHONDIR": str(self._folder / "ipython"),
                "PYTHONPATH": str(ROOT),
            },
            input=json.dumps([START, *cells]),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert 0 == done.returncode, done.stderr[-2000:]
        first, *said = json.loads(done.stdout)
        assert "" == first
        return said

    def __repr__(self) -> str:
        return "Notebook()"


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path)


def test_no_cell_shows_a_value_that_does_not_print_it(notebook: Notebook) -> None:
    said = dict(zip(SHOWN, notebook.run(*SHOWN), strict=True))

    assert [] == [cell for cell, text in said.items() if notebook.value in text]
    assert said[SHOWN[0]].endswith("MaskedStr('********')\n")
    assert said['await aget_secret("pepipost/api_key")'].endswith("MaskedStr('********')\n")
    assert said['get_secret("pepipost/api_key", refresh=True)'].endswith("MaskedStr('********')\n")
    assert "ZeroDivisionError" in said[FAILS]
    assert "SecretNotFound" in said['key == "x" or default_store().get("no/such")']


def test_nothing_of_it_is_in_the_history_on_disk(notebook: Notebook, tmp_path: Path) -> None:
    notebook.run("key", "%config HistoryManager.db_log_output = True", "key", "[key]")
    files = [path for path in (tmp_path / "ipython").rglob("*") if path.is_file()]

    assert files
    assert [] == [path for path in files if notebook.value.encode() in path.read_bytes()]


def test_the_extension_masks_where_objects_are_shown_as_text(notebook: Notebook) -> None:
    plain = dict(zip(INSPECTED, notebook.run(*INSPECTED), strict=True))
    masked = dict(zip(INSPECTED, notebook.run(EXTENSION, *INSPECTED)[1:], strict=True))

    assert set(INSPECTED) - {"raw?"} == {cell for cell, text in plain.items() if notebook.value in text}
    assert [] == [cell for cell, text in masked.items() if notebook.value in text]
    assert all("********" in text for text in masked.values())
    assert "Length" not in masked["key?"]


def test_everything_else_is_shown_as_without_the_extension(notebook: Notebook) -> None:
    cells = [
        "number?",
        "%whos int",
        "%whos float",
        "key == get_secret('pepipost/api_key'), type(key), key[0] == 's'",
    ]
    plain = notebook.run("pass", *cells)[1:]
    assert plain == notebook.run(EXTENSION, *cells)[1:]
    assert "number     int     3" in plain[1]


def test_the_extension_can_be_loaded_twice_and_unloaded(notebook: Notebook) -> None:
    name = EXTENSION.split()[1]
    said = notebook.run(
        EXTENSION, f"%reload_ext {name}", "%whos", "key?", f"%unload_ext {name}", "%whos", "key?"
    )
    assert [False, False, True, True] == [notebook.value in text for text in (*said[2:4], *said[5:])]


def test_a_failing_whos_leaves_the_variables_as_they_were(notebook: Notebook) -> None:
    broken = "class list(list):\n    def __len__(self): return 1 / 0\nbroken = list()"
    said = notebook.run(EXTENSION, broken, "%whos", "key == key.reveal()")
    assert "ZeroDivisionError" in said[2]
    assert said[3].endswith("True\n")
