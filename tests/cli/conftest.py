"""A project folder, and the command run in it as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.fixture
def run(project: Path) -> Run:
    """Return a function that runs the command with the given arguments and variables."""

    def command(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[bytes]":
        environ = {"PATH": os.environ["PATH"], "HOME": str(project), "LANG": "C.UTF-8", **variables}
        return subprocess.run(
            [
                sys.executable,
                "-c",
                "from secretsource.cli import main; main(prog_name='secretsource')",
                *arguments,
            ],
            cwd=project,
            env=environ,
            capture_output=True,
            check=False,
            timeout=60,
        )

    return command
