"""Reads in every way, and says what was imported on other threads at moments at which the process could be forked."""

from __future__ import annotations

import json
import sys
import threading
from importlib.abc import MetaPathFinder
from typing import Any

from secretsource import _fork, default_store


class Watching(MetaPathFinder):
    """Notes what is looked for outside of the blocks that a fork waits for."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:
        lock: Any = _fork._importing.lock
        if threading.current_thread() is not threading.main_thread() and not lock._is_owned():
            self.seen.append(fullname)
        return None


def main() -> None:
    told = json.load(sys.stdin)
    names: list[str] = told["names"]
    watching = Watching()
    sys.meta_path.insert(0, watching)
    store = default_store()
    if told["many"]:
        store.get_many(names)
    else:
        store.get(names[0])
        store.get_fields(names[0].partition("/")[0])
    json.dump(watching.seen, sys.stdout)


if __name__ == "__main__":
    main()
