"""Running reads to their end: in a thread, on an event loop, one or many at once.

A read is a generator that yields the fetch it waits for and gets what came of it. The rules of reading are written
once; here are only the ways of waiting.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Generator, Mapping
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from secretsource.errors import SecretSourceError

if TYPE_CHECKING:
    import asyncio

    from secretsource._chain import Looked
    from secretsource._pending import Pending

__all__ = ["Round", "arun", "arun_rounds", "asleep", "run", "run_rounds"]

T = TypeVar("T")
S = TypeVar("S")

Round: TypeAlias = tuple[Mapping[str, Generator["Pending", "Looked", T]], Callable[[], None]]
"""Reads by name, and what lets the fetches go that are collected while they run."""

_NO_LOOP = "a read can be awaited under asyncio only: elsewhere call get_secret or Store.get in a thread"
# Seconds of one wait. A signal that comes in the last moment before a wait does not interrupt it, and Ctrl-C should.
_SLICE = 0.1


def run(read: Generator[Pending, Looked, T]) -> T:
    """Run *read* in this thread."""
    try:
        pending = next(read)
        while True:
            _wait_for([pending])
            pending = read.send(pending.looked())
    except StopIteration as end:
        result: T = end.value
    return result


async def arun(read: Generator[Pending, Looked, T]) -> T:
    """Run *read* on the running event loop."""
    try:
        pending = next(read)
        while True:
            await _await([pending])
            pending = read.send(pending.looked())
    except StopIteration as end:
        result: T = end.value
    return result


def run_rounds(rounds: Generator[Round[T], dict[str, T | SecretSourceError], S]) -> S:
    """Run the reads of each round side by side in this thread, and return what comes of the last one."""
    with contextlib.closing(_waits(rounds)) as waits:
        try:
            while True:
                _wait_for(next(waits))
        except StopIteration as end:
            result: S = end.value
        return result


async def arun_rounds(rounds: Generator[Round[T], dict[str, T | SecretSourceError], S]) -> S:
    """Do what `run_rounds` does on the running event loop."""
    with contextlib.closing(_waits(rounds)) as waits:
        try:
            while True:
                await _await(next(waits))
        except StopIteration as end:
            result: S = end.value
        return result


def _waits(
    rounds: Generator[Round[T], dict[str, T | SecretSourceError], S],
) -> Generator[Collection[Pending], None, S]:
    """Yield what is to be waited for until one of it is over, again and again; return what the last round led to."""
    results: dict[str, T | SecretSourceError] | None = None
    while True:
        try:
            reads, depart = next(rounds) if results is None else rounds.send(results)
        except StopIteration as end:
            whole: S = end.value
            return whole
        results = {}
        try:
            pending = _advanced(reads, dict.fromkeys(reads), results)
            while pending:
                depart()
                yield pending.values()
                pending = _advanced(reads, pending, results)
        finally:
            depart()  # what is booked must depart, also when this thread is interrupted


def _wait_for(waits: Collection[Pending]) -> None:
    """Wait until one is over, on a queue that is written in C: Ctrl-C could leave the lock of a condition behind."""
    landed: SimpleQueue[None] = SimpleQueue()
    stops = [pending.flight.wake_with(lambda: landed.put(None)) for pending in waits]
    try:
        while not any(pending.is_over for pending in waits):
            with contextlib.suppress(Empty):
                landed.get(timeout=max(0.0, min(_SLICE, *(pending.patience for pending in waits))))
    finally:
        for stop in stops:
            stop()


async def _await(waits: Collection[Pending]) -> None:
    """Wait until one of them is over, and let the event loop run meanwhile."""
    import asyncio  # noqa: PLC0415 - loaded already where a loop runs, and slow to import where none does

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(_NO_LOOP) from None
    landed = loop.create_future()
    stops = [pending.flight.wake_with(lambda: loop.call_soon_threadsafe(_set, landed)) for pending in waits]
    try:
        while not any(pending.is_over for pending in waits) and not landed.done():
            await asyncio.wait([landed], timeout=max(0.0, min(pending.patience for pending in waits)))
    finally:
        for stop in stops:
            stop()


async def asleep(seconds: float) -> None:
    """Let the event loop run for so long."""
    import asyncio  # noqa: PLC0415 - see above

    await asyncio.sleep(seconds)


def _set(landed: asyncio.Future[None]) -> None:
    if not landed.done():
        landed.set_result(None)


def _advanced(
    reads: Mapping[str, Generator[Pending, Looked, T]],
    pending: Mapping[str, Pending | None],
    results: dict[str, T | SecretSourceError],
) -> dict[str, Pending]:
    """Let each read begin, or go on whose fetch has ended or whose patience has; note the results of those that end.

    Args:
        reads: All of them.
        pending: What each one waits for; `None` for those that have not begun.
        results: Filled with what the reads end in.

    Returns:
        What those that have not ended wait for.
    """
    following: dict[str, Pending] = {}
    for name, waited in pending.items():
        try:
            if waited is None:
                following[name] = next(reads[name])
            elif waited.is_over:
                following[name] = reads[name].send(waited.looked())
            else:
                following[name] = waited
        except StopIteration as end:
            results[name] = end.value
        except SecretSourceError as error:
            results[name] = error
    return following
