"""Running one function in a forked child, and hearing how it went."""

from __future__ import annotations

import os
import select
import signal
import time
import warnings
from collections.abc import Callable

__all__ = ["Child"]

_DONE = b"done"


class Child:
    """A forked process that runs *work*, which returns what is wrong, or nothing."""

    def __init__(self, work: Callable[[], str]) -> None:
        """Fork."""
        self._reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is what is tested
            self._pid = os.fork()
        if self._pid == 0:
            _run(work, writer)
        os.close(writer)

    def verdict(self, seconds: float) -> str:
        """Wait that long for the end, and return what is wrong, or nothing."""
        report = b""
        until = time.monotonic() + seconds
        while select.select([self._reader], [], [], max(0.0, until - time.monotonic()))[0]:
            piece = os.read(self._reader, 4096)
            if not piece:
                break
            report += piece
        else:
            os.kill(self._pid, signal.SIGKILL)
            report = b"the child hung"
        os.close(self._reader)
        os.waitpid(self._pid, 0)
        if report.endswith(_DONE):
            return report.removesuffix(_DONE).decode()
        return report.decode() or "the child ended without a word"


def _run(work: Callable[[], str], writer: int) -> None:
    """Run *work* and leave, past every handler that belongs to the parent."""
    try:
        try:
            report = work()
        except BaseException as error:  # noqa: BLE001 - told to the parent
            report = f"the child got {type(error).__name__}: {error}"
        os.write(writer, report.encode()[:2000] + _DONE)
    finally:
        os._exit(0)
