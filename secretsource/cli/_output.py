"""Writing to standard output, where the reader may have gone, or the disk may be full."""

from __future__ import annotations

import os
import sys

from secretsource.cli._exit import BROKEN_PIPE, OTHER, say

__all__ = ["write"]


def write(data: bytes, *, line: bool = False) -> None:
    """Write *data* to standard output, or end the process.

    Args:
        data: Every byte of it.
        line: End with a newline in any case; without it, only on a terminal.
    """
    if sys.stdout is None:
        say("standard output is closed")
        sys.exit(OTHER)
    problem = ""
    try:
        sys.stdout.buffer.write(data + (b"\n" if line or sys.stdout.isatty() else b""))
        sys.stdout.buffer.flush()
        return
    except BrokenPipeError:
        status = BROKEN_PIPE
    except OSError as error:
        status, problem = OTHER, f"standard output: {os.strerror(error.errno or 0)}"
    # What is still buffered must not be tried again at exit, where it would be told a second time.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if problem:
        say(problem)
    sys.exit(status)
