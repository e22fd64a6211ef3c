"""What is counted of reads: right, wrong, or the kind of error. Never a value."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import cycle

from secretsource import Store

__all__ = ["Busy", "read_all"]

SECONDS = 20.0


def read_all(
    store: Store,
    names: Iterable[str],
    values: Mapping[str, str],
    *,
    refresh: bool = True,
    on_a_loop: bool = False,
) -> Counter[str]:
    """Read the names one by one and count what came of it."""
    counted: Counter[str] = Counter()
    for name in names:
        try:
            if on_a_loop:
                secret = asyncio.run(store.aget(name, refresh=refresh, timeout=SECONDS))
            else:
                secret = store.get(name, refresh=refresh, timeout=SECONDS)
        except Exception as error:  # noqa: BLE001 - counted
            counted[type(error).__name__] += 1
        else:
            counted["right" if secret.value == values[name] else "wrong"] += 1
    return counted


class Busy:
    """Threads that ask the backend all the time, while the ``with`` block runs.

    Attributes:
        counted: What came of their reads.
    """

    def __init__(self, store: Store, values: Mapping[str, str], threads: int) -> None:
        self.counted: Counter[str] = Counter()
        self._store = store
        self._values = values
        self._stop = threading.Event()
        self._inside = [False] * threads
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]

    def __enter__(self) -> Busy:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_a_fetch(self) -> None:
        """Return when a thread is in the midst of a read, most likely."""
        while not any(self._inside):
            time.sleep(0.0005)

    def _run(self, number: int) -> None:
        names = cycle(self._values)
        for _ in range(number):
            next(names)
        while not self._stop.is_set():
            self._inside[number] = True
            counted = read_all(self._store, [next(names)], self._values)
            self._inside[number] = False
            self.counted.update(counted)
            self._stop.wait(0.004)
