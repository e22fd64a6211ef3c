"""Fresh interpreters: how long one takes for a piece of code, and how large it is then."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench._harness import Effort, Samples, interleave

_LOOK = """
import sys
_modules = sorted(sys.modules)
print(_modules)
with open("/proc/self/statm") as _file:
    print(_file.read().split()[1])
"""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A piece of code, and the variables it runs with."""

    code: str
    environ: Mapping[str, str] = field(default_factory=dict)

    def seconds(self) -> float:
        """Run the code in a new interpreter and return how long that took, start and end included."""
        start = time.perf_counter()
        self._run(self.code)
        return time.perf_counter() - start

    def look(self) -> tuple[set[str], float]:
        """Return the modules that are loaded after the code, and the resident memory in MiB."""
        modules, pages = self._run(self.code + _LOOK).splitlines()[-2:]
        return set(eval(modules)), int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _run(self, code: str) -> str:
        command = [sys.executable, "-c", code]
        # Compiled code is kept after the first run, as it is for any user.
        dropped = ("AWS_", "BENCH_", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        done = subprocess.run(command, env=kept | dict(self.environ), capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{code}\n{done.stderr.decode()}")
        return done.stdout.decode()


@dataclass(frozen=True, slots=True)
class Starts:
    """What a set of pieces of code came to.

    Attributes:
        seconds: By label, the samples.
        modules: By label, what is loaded afterwards.
        mebibytes: By label, the resident memory.
    """

    seconds: Samples[str]
    modules: Mapping[str, set[str]]
    mebibytes: Mapping[str, float]


def start(pieces: Mapping[str, Fresh], effort: Effort, seconds: float) -> Starts:
    """Run all *pieces*, interleaved; the first look compiles what is not compiled yet and is not timed."""
    first = {label: piece.look() for label, piece in pieces.items()}
    timed: dict[str, Callable[[], float]] = {label: piece.seconds for label, piece in pieces.items()}
    taken = interleave(timed, effort, seconds)
    looks = {
        label: [first[label][1], *(piece.look()[1] for _ in range(2))] for label, piece in pieces.items()
    }
    return Starts(
        taken,
        {label: modules for label, (modules, _) in first.items()},
        {label: statistics.median(sizes) for label, sizes in looks.items()},
    )
