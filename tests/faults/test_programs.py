"""Whole programs fail: what they print, log and tell an error tracker shows no secret. So do the commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from tests.faults.canaries import Canaries
from tests.process.playing import KINDS, NAME, Playing, playing
from tests.process.run import ROOT, environ_with

_CREDENTIALS = ("AWS_SECRET_ACCESS_KEY", "BAO_TOKEN", "CONJUR_AUTHN_API_KEY")
_COMMAND = "from secretsource.cli import main; main()"


def _echo(server: Playing, status: int, **headers: str) -> None:
    """Answer everything with all there is to hide, as a talkative proxy would."""
    assert server.server is not None
    server.server.answer(status, headers, " ".join([server.value, *_credentials(server)]))


FAULTS: dict[str, Callable[[Playing], None]] = {
    "denied": lambda server: _echo(server, 403),
    "failing": lambda server: _echo(server, 503),
    "html": lambda server: _echo(server, 200, **{"Content-Type": "text/html"}),
    "redirect": lambda server: _echo(server, 307, Location="http://127.0.0.1:1/"),
}


def _credentials(server: Playing) -> list[str]:
    return [text for name, text in server.environ.items() if name in _CREDENTIALS]


def run(server: Playing, command: Sequence[str]) -> tuple[int, str, list[str]]:
    """Run a program against *server*; return its status, what it prints, and what of the secrets is in it."""
    environ, canaries = server.environ, Canaries()
    canaries.add("value", server.value)
    for name, text in environ.items():
        if name in _CREDENTIALS:
            canaries.add(name, text)
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env=environ_with({**environ, "SECRETSOURCE_TIMEOUT": "2"}),
    )
    printed = done.stdout + done.stderr
    return done.returncode, printed, canaries.seen_in(printed)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_program_that_fails_shows_no_secret(kind: str, fault: str) -> None:
    with playing(kind) as server:
        server.answer(times=0)
        FAULTS[fault](server)
        status, printed, seen = run(server, ["-m", "tests.faults.programs.failing"])
    assert (1, []) == (status, seen)
    for part in ("told the error tracker", "locals", "DEBUG:"):
        assert part in printed


@pytest.mark.parametrize("command", ["get", "explain"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_command_that_fails_shows_no_secret(kind: str, command: str) -> None:
    with playing(kind) as server:
        FAULTS["failing"](server)
        status, _, seen = run(server, ["-c", _COMMAND, command, NAME])
    assert (5, []) == (status, seen)


def test_a_program_that_succeeds_shows_no_secret() -> None:
    with playing("vault") as server:
        server.answer()
        status, printed, seen = run(server, ["-m", "tests.faults.programs.failing"])
    assert (0, []) == (status, seen)
    assert "used 32" in printed
