"""A project folder, and the command run in it as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.fixture
def run(project: Path) -> Run:
    """Return a function that runs the command with the given arguments and variables."""

    def command(
        *arguments: str, stdout: int | IO[bytes] = subprocess.PIPE, **variables: str
    ) -> "subprocess.CompletedProcess[bytes]":
        environ = {"PATH": os.environ["PATH"], "HOME": str(project), "LANG": "C.UTF-8", **variables}
        return subprocess.run(
            [
                sys.executable,
                "-c",
                "from secretsource.cli import main; main()",
                *arguments,
            ],
            cwd=project,
            env=environ,
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )

    return command
