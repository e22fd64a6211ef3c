"""Readers that go on and on, in real time, while the value they read gets old several times."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench._crowd import BLOCKED
from bench._crowd_peers import Peer
from bench._servers import Canned

READERS = 8
_PAUSE = 0.006  # seconds between two reads of one reader


@dataclass(frozen=True, slots=True)
class Steady:
    """What the readers met: the seconds of each read, and the requests at the backend."""

    waits: Sequence[float]
    requests: int

    @property
    def blocked(self) -> int:
        """How many reads were blocked."""
        return sum(wait > BLOCKED for wait in self.waits)


def steady(canned: Canned, peer: Peer, delay: float, seconds: float) -> Steady:
    """Let readers read through *peer* for some seconds, from a backend that answers after *delay*."""
    peer.read()
    canned.order(delay=delay)
    end = time.monotonic() + seconds
    taken: list[list[float]] = [[] for _ in range(READERS)]

    def work(waits: list[float]) -> None:
        while time.monotonic() < end:
            start = time.perf_counter()
            peer.read()
            waits.append(time.perf_counter() - start)
            time.sleep(_PAUSE)

    threads = [threading.Thread(target=work, args=(waits,)) for waits in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(delay)
    requests = sum(canned.order().calls.values())
    return Steady([wait for waits in taken for wait in waits], requests)
