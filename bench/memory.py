"""H. The memory of one entry, as Python allocates it, with what eviction takes.

Every cache is asked once for each name of a list, in order, and `tracemalloc` says what is allocated afterwards that
was not before; a garbage collection goes ahead of both looks. It is measured twice:

- filled: as many names as the cache may keep;
- evicting: twice as many, so that it is full and each name of the second half has put out one of the first. Caches
  that have no limit (the dictionaries, powertools) keep every name.

What the caches hold stands in `bench/_memory_caches.py`. The first read, which starts threads and imports modules, is
not counted.
"""

from __future__ import annotations

import gc
import tracemalloc

from bench._harness import QUICK, Effort, Goal, Section, Table, number
from bench._memory_caches import CHARACTERS, OURS_MEMBER, OURS_VALUE, PLAIN, Make, caches, has_no_limit
from bench._peers import present
from bench._servers import Servers
from secretsource._default import replace_default_store

TITLE = "H. Memory of one entry"
_ENTRIES = 5_000
_FEWER = 1_000


def run(servers: Servers, effort: Effort) -> Section:
    """Measure, and compare with the goals."""
    del servers  # what a backend costs is not measured here
    entries = _ENTRIES if effort.share > QUICK.share else _FEWER
    makes = present(caches(entries))
    filled = {label: _size(make, entries, entries) for label, make in makes.items()}
    evicting = {
        label: _size(make, 2 * entries, entries) for label, make in makes.items() if not has_no_limit(label)
    }
    replace_default_store(None)
    columns = [
        "cache",
        "filled, bytes/entry",
        "x dict(value, expiry)",
        "evicting, bytes/entry",
        "x filled dict",
    ]
    table = Table(f"Bytes for an entry with a value of {CHARACTERS} characters", columns)
    plain = filled[PLAIN]
    for label, size in filled.items():
        full = evicting.get(label)
        limited = ["no limit", ""] if full is None else [number(full), number(full / plain)]
        table.rows.append([label, number(size), number(size / plain), *limited])
    goals = [
        Goal(f"memory: {label} / {PLAIN}", max(filled[label], evicting[label]) / plain, 1.8)
        for label in (OURS_VALUE, OURS_MEMBER)
    ]
    return Section([table], goals)


def _size(make: Make, names: int, kept: int) -> float:
    """Return the bytes that each of *kept* entries takes after *names* were read through what *make* makes."""
    read = make()
    read("warm/up")
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number_ in range(names):
        read(f"app/key{number_:06}")
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / kept
