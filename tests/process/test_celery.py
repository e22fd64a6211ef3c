"""Celery's prefork pool: the worker imports the tasks, and reads, before it forks the processes that run them."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.process import backends
from tests.process.programs._shown import shown
from tests.process.run import environ_with, run_program
from tests.servers._process import LOOPBACK, Process
from tests.servers.redis import Redis

PROCESSES = 3


def test_every_process_of_the_pool_reads_right(tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "celery", "--app", "tests.process.programs.tasks", "worker"),
        *("--pool", "prefork", "--concurrency", str(PROCESSES), "--loglevel", "ERROR"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    with backends.vault(tmp_path) as backend, Redis() as redis:
        url = f"redis://:{redis.password}@{LOOPBACK}:{redis.port}/0"
        environ = {**backend.environ, "TASKS_REDIS": url, "C_FORCE_ROOT": "1"}
        with Process(command, environ=environ_with(environ)):
            names = [*backend.values] * 4
            said = run_program("send_tasks", environ, {"names": names}, seconds=60)

    expected = [shown(backend.values[name]) for name in names]
    assert expected * 2 == [each["value"] for each in said]
    assert {shown(backend.values["fork0/key"])} == {each["at_import"] for each in said}
    processes = {each["process"] for each in said}
    assert 2 <= len(processes) <= PROCESSES  # a quick one may have taken what a slow one was to get
    assert 1 == len({each["imported_in"] for each in said} - processes)
