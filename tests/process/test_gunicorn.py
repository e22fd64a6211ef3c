"""gunicorn with ``preload_app``: the application is imported, and reads, before the workers are forked."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.process import backends
from tests.process.backends import Backend
from tests.process.programs._shown import shown
from tests.process.run import environ_with
from tests.servers._http import request
from tests.servers._process import LOOPBACK, Process, free_port

WORKERS, THREADS, REQUESTS, MOST = 3, 4, 48, 2000
KINDS: dict[str, list[str]] = {"sync": [], "gthread": ["--threads", str(THREADS)]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_worker_reads_right_after_the_preload(kind: str, tmp_path: Path) -> None:
    with backends.vault(tmp_path) as backend:
        said = answers(backend, KINDS[kind], tmp_path)

    names = list(backend.values)
    for number, each in enumerate(said):
        assert shown(backend.values[names[number % len(names)]]) == each["value"]
        assert shown(backend.values[names[0]]) == each["at_import"]
    processes = {each["process"] for each in said}
    assert WORKERS == len(processes)
    assert 1 == len({each["imported_in"] for each in said} - processes)


def answers(backend: Backend, options: list[str], folder: Path) -> list[dict[str, object]]:
    """Start the server, ask it for the names in turn, from several threads, until every worker has answered."""
    names, port = list(backend.values), free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--preload", "--workers", str(WORKERS), *options),
        *("--bind", f"{LOOPBACK}:{port}", "--worker-tmp-dir", str(folder), "--no-control-socket"),
        "tests.process.programs.web:app",
    ]

    def ask(number: int) -> dict[str, object]:
        answer = request("GET", f"http://{LOOPBACK}:{port}/{names[number % len(names)]}?refresh", timeout=30)
        assert 200 == answer.status, answer.body
        said: dict[str, object] = answer.body
        return said

    with Process(command, environ=environ_with(backend.environ)) as server:
        server.wait_until(lambda: request("GET", f"http://{LOOPBACK}:{port}/{names[0]}").status == 200)
        said: list[dict[str, object]] = []
        with ThreadPoolExecutor(2 * WORKERS) as pool:
            # The kernel hands connections to whom it likes.
            while len({each["process"] for each in said}) < WORKERS and len(said) < MOST:
                said += pool.map(ask, range(len(said), len(said) + REQUESTS))
        return said
