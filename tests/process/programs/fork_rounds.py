"""Forks again and again while threads read: children and parent ask for different names at the same time."""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import partial
from itertools import cycle, islice

from secretsource import default_store
from tests.process.programs._children import fork, gathered
from tests.process.programs._reading import Busy, read_all


def main() -> None:
    told = json.load(sys.stdin)
    values: dict[str, str] = told["values"]
    names, store = list(values), default_store()
    kept = [store.get(name) for name in names]  # the connections are open, and the parent holds the secrets

    def child(number: int) -> Counter[str]:
        mine = list(islice(cycle(names), number, number + told["reads"] - 1))
        counted = read_all(store, mine[:1], values, refresh=False)
        counted += read_all(store, mine, values)
        return counted + read_all(store, mine[:1], values, on_a_loop=True)

    children: Counter[str] = Counter()
    parent: Counter[str] = Counter()
    with Busy(store, values, threads=2) as busy:
        for number in range(told["rounds"]):
            forked = []
            for which in range(told["children"]):
                busy.wait_for_a_fetch()
                forked.append(fork(partial(child, which + 1)))
            parent += read_all(store, islice(cycle(names), number, number + 4), values)
            children += gathered(forked)
    held = Counter("right" if each.value == values[each.name] else "wrong" for each in kept)
    json.dump({"children": children, "parent": parent + busy.counted, "held": held}, sys.stdout)


if __name__ == "__main__":
    main()
