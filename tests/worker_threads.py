"""The worker threads that a test has started: which there are, that they end soon, and how to have none."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from secretsource import _workers
from tests.fakes import eventually

__all__ = ["idle_threads_end_soon", "no_thread", "worker_threads"]

_not_ours: set[threading.Thread] = set()  # of other tests, whose threads still wait for a task


def worker_threads() -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if thread.name == "secretsource-fetch" and thread not in _not_ours
    ]


@pytest.fixture(autouse=True)
def idle_threads_end_soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Of every test in a module that imports it; a thread that does not end fails the test."""
    _not_ours.clear()
    _not_ours.update(threading.enumerate())
    monkeypatch.setattr(_workers, "_IDLE_SECONDS", 0.1)
    yield
    assert eventually(lambda: not worker_threads())


def no_thread(self: threading.Thread) -> None:
    """Stand in for `Thread.start` where the system has no thread to give."""
    raise RuntimeError("can't start new thread")
