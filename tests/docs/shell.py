"""One shell for the blocks of one page: what a block exports or starts is there for the next one."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

__all__ = ["Shell"]

_SECONDS = 60.0
_RUN = "failed=0; source {script} >{output} 2>&1; echo $failed >&{report}\n"


class Shell:
    """A bash in a folder of its own; it and all it started end together.

    Args:
        folder: The working directory.
        environ: All variables.
        scratch: A folder for scripts and outputs, outside the working directory.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], scratch: Path) -> None:
        self._scratch = scratch
        self._number = 0
        self._report, report = os.pipe()
        self._report_name = report
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            cwd=folder,
            env=dict(environ),
            pass_fds=[report],
            start_new_session=True,
        )
        os.close(report)
        self._send("set -E; trap 'failed=$?' ERR\n")

    def run(self, code: str) -> tuple[bool, str]:
        """Run *code*; return whether every command of it succeeded, and what was printed."""
        self._number += 1
        script, output = (self._scratch / f"{self._number}.{end}" for end in ("sh", "out"))
        script.write_text(code, encoding="utf-8")
        self._send(_RUN.format(script=script, output=output, report=self._report_name))
        ready, _, _ = select.select([self._report], [], [], _SECONDS)
        said = os.read(self._report, 100) if ready else b""
        printed = output.read_text(encoding="utf-8") if output.exists() else ""
        return said.strip() == b"0", printed if ready else f"{printed}\n(no end after {_SECONDS} s)"

    def _send(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def close(self) -> None:
        """End the shell and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        os.close(self._report)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
