"""Forks while the very first read of another thread is in the midst of importing the vendor's library."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import Counter
from importlib.abc import MetaPathFinder
from typing import Any

from secretsource import default_store
from tests.process.programs._children import fork, gathered
from tests.process.programs._reading import read_all

_HELD_SECONDS = 2.0  # where a fork would rather wait for the import, it can


class SlowImport(MetaPathFinder):
    """Holds up the import of one module, in this process only."""

    def __init__(self, module: str) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self._module = module
        self._process = os.getpid()

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:
        if fullname == self._module and os.getpid() == self._process:
            self.entered.set()
            self.go_on.wait(_HELD_SECONDS)
        return None


def main() -> None:
    told = json.load(sys.stdin)
    values: dict[str, str] = told["values"]
    first, second, *_ = values
    store, slow = default_store(), SlowImport(told["module"])
    parent: Counter[str] = Counter()
    sys.meta_path.insert(0, slow)
    reader = threading.Thread(target=lambda: parent.update(read_all(store, [first], values)))
    reader.start()
    assert slow.entered.wait(10), "the first read does not import it"
    children = [fork(lambda: read_all(store, [first, second], values)) for _ in range(2)]
    slow.go_on.set()
    reader.join()
    json.dump({"children": gathered(children), "parent": parent}, sys.stdout)


if __name__ == "__main__":
    main()
