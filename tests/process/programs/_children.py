"""Children by `os.fork`: each says over a pipe what came of it, and is ended when it hangs."""

from __future__ import annotations

import json
import os
import signal
import warnings
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Child", "fork", "gathered"]

SECONDS = 10
# Python warns of what these programs do on purpose.
warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)


class Child(NamedTuple):
    """A child that runs.

    Attributes:
        pid: Its process.
        pipe: Where it says how it went.
    """

    pid: int
    pipe: int


def fork(act: Callable[[], Counter[str]]) -> Child:
    """Run *act* in a child; what it counts comes back."""
    pipe, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return Child(pid, pipe)
    signal.alarm(SECONDS)
    try:
        said = act()
    except BaseException as error:  # noqa: BLE001 - told to the parent
        said = Counter({type(error).__name__: 1})
    os.write(write, json.dumps(said).encode())
    os._exit(0)


def gathered(children: list[Child]) -> Counter[str]:
    """Wait for the children and return what they counted, together."""
    counted: Counter[str] = Counter()
    for child in children:
        with os.fdopen(child.pipe, "rb") as pipe:
            said = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        counted.update(json.loads(said) if said and status == 0 else {f"ended with {status}": 1})
    return counted
