"""Starts the programs of the tests, each as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def command_of(program: str) -> list[str]:
    """Return the command that runs one of the `programs`."""
    return [sys.executable, "-W", "default", "-m", f"tests.process.programs.{program}"]


def environ_with(environ: Mapping[str, str]) -> dict[str, str]:
    """Return our own environment with *environ*, and with our code in reach from every folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **environ}


def run_program(
    program: str, environ: Mapping[str, str], told: Mapping[str, object], *, seconds: float = 100
) -> Any:
    """Run one of the `programs` and return the last thing it says; noise, a failure and a hang fail the test.

    Args:
        program: Its module.
        environ: The variables that configure the library.
        told: What it reads on its standard input.
        seconds: How long it may take.
    """
    return sayings(program, environ, told, seconds=seconds)[-1]


def sayings(
    program: str, environ: Mapping[str, str], told: Mapping[str, object], *, seconds: float = 100
) -> list[Any]:
    """Do what `run_program` does, and return all that it says: a line of JSON each."""
    done = subprocess.run(
        command_of(program),
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=ROOT,
        env=environ_with(environ),
    )
    assert ("", 0) == (done.stderr, done.returncode), f"{done.returncode}: {done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]
