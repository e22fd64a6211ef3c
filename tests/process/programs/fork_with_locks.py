"""Forks while another thread holds every lock of ours and of the vendors' libraries that it can get."""

from __future__ import annotations

import gc
import json
import sys
import threading
from collections import Counter
from types import ModuleType
from typing import Any

from secretsource import default_store
from tests.process.programs._children import fork, gathered
from tests.process.programs._reading import read_all

_OWNERS = frozenset({"secretsource", "urllib3", "botocore", "boto3", "hvac", "requests"})
_LOCKS = (type(threading.Lock()), type(threading.RLock()))
_HELD_SECONDS = 2.0  # where a fork would rather wait for a lock, it can


def locks() -> list[Any]:
    """Return every lock that an object, a class or a module of those packages has, or a condition of theirs."""
    found: dict[int, Any] = {}
    for owner in gc.get_objects():
        module = owner.__name__ if isinstance(owner, ModuleType) else type(owner).__module__
        if str(module).partition(".")[0] in _OWNERS:
            mine = [*gc.get_referents(owner), *getattr(owner, "__dict__", {}).values()]
            conditions = [each for each in mine if isinstance(each, threading.Condition)]
            mine += [held for each in conditions for held in vars(each).values()]
            found.update((id(each), each) for each in mine if isinstance(each, _LOCKS))
    return list(found.values())


class Holder:
    """A thread that holds them while the ``with`` block runs."""

    def __init__(self) -> None:
        self.held = 0
        self._taken = threading.Event()
        self._release = threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def __enter__(self) -> Holder:
        self._thread.start()
        self._taken.wait()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._release.set()
        self._thread.join()

    def _hold(self) -> None:
        taken = [each for each in locks() if each.acquire(blocking=False)]
        self.held = len(taken)
        self._taken.set()
        self._release.wait(_HELD_SECONDS)
        for each in taken:
            each.release()


def main() -> None:
    told = json.load(sys.stdin)
    values: dict[str, str] = told["values"]
    (*warm, cold), store = list(values), default_store()
    read_all(store, warm, values)

    def child() -> Counter[str]:
        counted = read_all(store, warm, values, refresh=False)
        counted += read_all(store, [cold, *warm], values)
        store.invalidate(warm[0])
        counted += read_all(store, warm[:1], values, refresh=False)
        store.close()
        return counted + read_all(store, warm, values, refresh=False, on_a_loop=True)

    with Holder() as holder:
        children = [fork(child) for _ in range(told["children"])]
    json.dump(
        {
            "children": gathered(children),
            "parent": read_all(store, values, values),
            "held": holder.held,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
