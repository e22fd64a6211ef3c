"""Child processes for test servers: free ports, start, wait until ready, stop by process id, die with us."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

LOOPBACK = "127.0.0.1"
_GUARD = Path(__file__).with_name("_guard.py")
# Below the range from which Linux takes ports for outgoing connections, which could otherwise get in the way.
_PORTS = range(10_000, 32_000)
_POLL_SECONDS = 0.02
_STOP_SECONDS = 8.0


class StartError(RuntimeError):
    """A test server did not come up; the message ends with what it printed."""


def free_port(*, count: int = 1) -> int:
    """Return a port on loopback such that it and the `count - 1` ports after it are free."""
    choose = random.SystemRandom()
    for _ in range(200):
        first = choose.choice(_PORTS)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise StartError(f"found no {count} free ports in a row on {LOOPBACK}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


class Process:
    """One running child with its output in a temporary file.

    Args:
        command: Program and arguments.
        environ: The whole environment of the child; by default, ours.
    """

    def __init__(self, command: Sequence[str], *, environ: Mapping[str, str] | None = None) -> None:
        self._name = Path(command[0]).name
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), *command],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=None if environ is None else dict(environ),
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        """Whether the child is still there."""
        return self._guard.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, timeout: float = 30.0) -> None:
        """Poll *ready* until it is true.

        Args:
            ready: Asked again and again; an `OSError` counts as "not yet".
            timeout: Seconds.

        Raises:
            StartError: The child ended, or the time was over; the child is stopped.
        """
        deadline = time.monotonic() + timeout
        while self.running and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if ready():
                    return
            time.sleep(_POLL_SECONDS)
        state = "was not ready in time" if self.running else "ended at once"
        output = self._tail()
        self.stop()
        raise StartError(f"{self._name} {state}; it printed:\n{output}")

    def _tail(self) -> str:
        size = os.fstat(self._output.fileno()).st_size
        raw = os.pread(self._output.fileno(), 8192, max(0, size - 8192))
        return raw.decode("utf-8", "replace")

    def stop(self) -> None:
        """End the child and wait for it. Safe to call twice."""
        if self._output.closed:
            return
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        try:
            self._guard.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # The guard leads a session of its own, so its process group is the two of them and nobody else.
            os.killpg(self._guard.pid, signal.SIGKILL)
            self._guard.wait()
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
