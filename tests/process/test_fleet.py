"""Forty processes at once: how often they ask, and when."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.process import backends
from tests.process.run import run_program

PROCESSES, TTL = 40, 100
EARLIEST, LATEST = 72, 88  # seconds: 0.8 of the ttl, a tenth more or less


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "forked from a warm parent"])
def test_each_process_asks_once_and_they_refresh_at_different_times(warm: bool, tmp_path: Path) -> None:
    with backends.conjur(tmp_path) as backend:
        names = list(backend.values)[:3]
        told = {
            "names": names,
            "ttl": TTL,
            "first": EARLIEST - 1,
            "last": LATEST + 4,
            "processes": PROCESSES,
            "warm": warm,
        }
        said = run_program("fleet", backend.environ, told)
        reads = backend.reads()

    every = PROCESSES * len(names)
    assert every == sum(said.values())
    refreshes: Counter[int] = Counter()
    for name_and_second, count in said.items():
        name, second = name_and_second.split()
        assert name in names
        assert count <= PROCESSES / 3  # those that were forked do not follow their parent
        refreshes[int(second)] += count
    assert dict.fromkeys(names, (1 if warm else PROCESSES) + PROCESSES) == +reads
    assert min(refreshes) >= EARLIEST
    assert max(refreshes) <= LATEST + 4  # a worker of a busy machine may be late
    assert max(refreshes.values()) <= every / 5
    assert len(refreshes) >= 10
