"""Watches a name, forks, and changes its value in parent and child: who is told of what?"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter

from secretsource import Document, Secret, Store
from tests.fakes import FakeResolver
from tests.process.programs._children import fork, gathered

_PATIENCE = 10.0


def main() -> None:
    json.load(sys.stdin)
    backend = FakeResolver()
    backend.says["a"] = Document(value="first")
    store, told, arrived = Store([backend]), list[str](), threading.Event()

    def note(old: Secret, new: Secret) -> None:
        told.append(f"{old.value} to {new.value}")
        arrived.set()

    stop = store.on_rotation("a", note)
    store.get("a")

    def child() -> Counter[str]:
        backend.says["a"] = Document(value="the child's")
        store.get("a", refresh=True)
        arrived.wait(_PATIENCE)
        return Counter(told)

    said = gathered([fork(child)])
    backend.says["a"] = Document(value="the parent's")
    store.get("a", refresh=True)
    arrived.wait(_PATIENCE)
    stop()
    json.dump({"child": said, "parent": Counter(told)}, sys.stdout)


if __name__ == "__main__":
    main()
