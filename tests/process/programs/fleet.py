"""Many processes forked from one, each with a clock of its own: when do they refresh what they read?"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter

from secretsource import Store, default_store
from tests.fakes import FakeClock
from tests.process.programs._children import fork, gathered

_THREADS = 4
_PATIENCE = 20.0


def read_in_threads(store: Store, names: list[str]) -> None:
    threads = [threading.Thread(target=lambda: [store.get(name) for name in names]) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def refreshes(store: Store, names: list[str], clock: FakeClock, first: int, last: int) -> Counter[str]:
    """Read on from one second of the values' age to another; count in which each name was asked for anew."""
    began = clock.now
    clock.advance(first - 1)
    for _ in range(first, last + 1):
        clock.advance(1)
        for name in names:
            store.get(name)
        time.sleep(0.02)  # what was begun behind our back reads the clock
    asked: Counter[str] = Counter()
    patience_ends = time.monotonic() + _PATIENCE
    for name in names:
        while (at := clock.now - store.get(name).age) <= began and time.monotonic() < patience_ends:
            time.sleep(0.01)
        asked[f"{name} {at - began:.0f}"] += 1
    return asked


def main() -> None:
    told = json.load(sys.stdin)
    names, clock = list(told["names"]), FakeClock()
    store = Store(default_store().chain, ttl=told["ttl"], clock=clock)
    if told["warm"]:
        read_in_threads(store, names)

    def child() -> Counter[str]:
        read_in_threads(store, names)
        return refreshes(store, names, clock, told["first"], told["last"])

    json.dump(gathered([fork(child) for _ in range(told["processes"])]), sys.stdout)


if __name__ == "__main__":
    main()
