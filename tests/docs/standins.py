"""Commands that the pages use and that are not here, or must not be run here: each is a small program on the PATH."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["put_commands"]

_PROGRAMS = Path(__file__).with_name("commands")


def put_commands(folder: Path) -> None:
    """Write the commands into *folder*."""
    for program in _PROGRAMS.glob("*.py"):
        file = folder / program.stem
        file.write_text(
            f"#!/bin/sh\nexec '{sys.executable}' -W ignore '{program}' \"$@\"\n", encoding="utf-8"
        )
        file.chmod(0o755)
