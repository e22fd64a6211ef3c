"""A. A cached read: one thread, then eight."""

from __future__ import annotations

import asyncio
import functools
import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any

from bench._harness import (
    FULL,
    Effort,
    Goal,
    Samples,
    Section,
    Table,
    between,
    interleave,
    number,
    ratios,
    spread,
)
from bench._reads import ASYNC, ENVIRON, OURS, VARIABLE, Read, floor, ours, peers
from bench._servers import Servers

TITLE = "A. A cached read"
FLOOR = "floor: def f(name), dict, monotonic"
_EMPTY = "empty loop"
_SAMPLE_SECONDS = 0.002
_THREADS = 8
_THREAD_SECONDS = 0.08


def run(servers: Servers, effort: Effort) -> Section:
    """Measure, and compare with the goals."""
    os.environ.update({**servers.aws_environ(servers.canned.url), VARIABLE: servers.value})
    reads = {FLOOR: floor()} | ours(servers) | peers(servers)
    single = _one_thread(reads, effort)
    threads = _eight_threads(reads, effort)
    section = Section([_single_table(single), _thread_table(threads)])
    own = ratios(threads[OURS, "rate"], threads[OURS, "alone"]).median
    of_floor = ratios(threads[OURS, "rate"], threads[FLOOR, "rate"]).median
    section.goals += [
        Goal("hit: get_secret / floor", ratios(single[OURS], single[FLOOR]).median, 2.0),
        Goal("hit: await aget_secret / get_secret", ratios(single[ASYNC], single[OURS]).median, 2.0),
        Goal("hit: get_secret / os.environ[name]", ratios(single[OURS], single[ENVIRON]).median, 1.0),
        Goal("hit, 8 threads: rate / own rate with one", own, 0.85, least=True),
        Goal("hit, 8 threads: rate / the floor's rate", of_floor, 0.5, least=True),
    ]
    return section


# One thread


def _one_thread(reads: Mapping[str, Read], effort: Effort) -> Samples[str]:
    with asyncio.Runner() as runner:
        sampled = {label: _sampler(read, runner) for label, read in reads.items()}
        taken = interleave({_EMPTY: _sampler(Read("pass", {}), runner)} | sampled, effort, 15)
    empty = statistics.median(taken.pop(_EMPTY))
    return {label: [each - empty for each in samples] for label, samples in taken.items()}


def _sampler(read: Read, runner: asyncio.Runner) -> Callable[[], float]:
    if read.code.startswith("await "):
        looped = _coroutine_loop(read)

        def seconds(count: int) -> float:
            return runner.run(looped(count))

    else:
        seconds = read.timer().timeit
    count = _count_for(_SAMPLE_SECONDS, seconds)
    return lambda: seconds(count) / count


def _count_for(wanted: float, seconds: Callable[[int], float]) -> int:
    """Return how many calls take about *wanted* seconds; what only the first ones cost is left out."""
    count = 1
    while (took := min(seconds(count), seconds(count))) < wanted / 8:
        count *= 2
    return max(1, round(count * wanted / took))


def _coroutine_loop(read: Read) -> Callable[[int], Any]:
    arguments = ", ".join(read.names)
    source = (
        f"async def loop(count, {arguments}):\n start = now()\n for _ in repeat(None, count):\n  {read.code}\n"
        " return now() - start\n"
    )
    made: dict[str, Any] = {"now": time.perf_counter, "repeat": repeat}
    exec(source, made)
    return functools.partial(made["loop"], **read.names)


def _single_table(single: Samples[str]) -> Table:
    table = Table("One thread", ["read", "ns/call", "x floor", "10-90 %", "x os.environ"])
    for label, samples in single.items():
        of_floor = ratios(samples, single[FLOOR])
        of_environ = ratios(samples, single[ENVIRON]).median
        table.rows.append(
            [
                label,
                number(spread(samples).median * 1e9),
                number(of_floor.median),
                between(of_floor),
                number(of_environ),
            ]
        )
    return table


# Eight threads


def _eight_threads(reads: Mapping[str, Read], effort: Effort) -> Samples[tuple[str, str]]:
    """Return calls a second, alone and with eight threads, by label."""
    sampled: dict[str, Callable[[], float]] = {}
    taken: Samples[tuple[str, str]] = {}
    wanted = _THREAD_SECONDS if effort is FULL else _THREAD_SECONDS / 2
    for label, read in reads.items():
        if not read.code.startswith("await "):
            loop = read.loop()
            each = max(1, _count_for(wanted, functools.partial(_seconds, loop)) // _THREADS)
            taken[label, "alone"], taken[label, "rate"] = [], []
            sampled[label] = functools.partial(
                _alone_and_together, loop, each, taken[label, "alone"], taken[label, "rate"]
            )
    interleave(sampled, effort, 35)
    return taken


def _alone_and_together(
    loop: Callable[[int], None], each: int, alone: list[float], rate: list[float]
) -> float:
    """Add the rate of one thread, before and after, to *alone*, and that of eight, in between, to *rate*."""
    total = each * _THREADS
    before = _seconds(loop, total // 2)
    together = _seconds_with_threads(loop, each)
    after = _seconds(loop, total // 2)
    alone.append(total // 2 * 2 / (before + after))
    rate.append(total / together)
    return together


def _seconds(loop: Callable[[int], None], count: int) -> float:
    start = time.perf_counter()
    loop(count)
    return time.perf_counter() - start


def _seconds_with_threads(loop: Callable[[int], None], each: int) -> float:
    barrier = threading.Barrier(_THREADS + 1)

    def work() -> None:
        barrier.wait()
        loop(each)

    threads = [threading.Thread(target=work) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    barrier.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def _thread_table(threads: Samples[tuple[str, str]]) -> Table:
    columns = ["read", "1 thread, M/s", "8 threads, M/s", "8 / 1", "10-90 %", "8: of the floor's rate"]
    table = Table("Eight threads", columns)
    for label, kind in threads:
        if kind == "rate":
            alone, rate = threads[label, "alone"], threads[label, "rate"]
            own = ratios(rate, alone)
            table.rows.append(
                [
                    label,
                    number(spread(alone).median / 1e6),
                    number(spread(rate).median / 1e6),
                    number(own.median),
                    between(own),
                    number(ratios(rate, threads[FLOOR, "rate"]).median),
                ]
            )
    return table
