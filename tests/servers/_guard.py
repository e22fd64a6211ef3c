"""Runs one command and ends it when our own standard input closes, that is, when the test process is gone.

`PR_SET_PDEATHSIG` alone would not do: it fires when the *thread* that started the child ends. A pipe lives as
long as the process, however that dies. The death signal is set all the same, in case the guard is killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 5.0


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


def _end_at_eof(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    _end(child)


def main(command: list[str]) -> int:
    """Run *command* until it ends or standard input closes; return its exit status."""
    # No thread of ours runs yet, which is what makes preexec_fn safe.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)  # noqa: PLW1509
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    threading.Thread(target=_end_at_eof, args=(child,), daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    # A normal exit would wait for the thread that still reads standard input.
    os._exit(main(sys.argv[1:]) & 0xFF)
