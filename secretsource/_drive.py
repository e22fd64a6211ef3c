"""Running reads to their end: in a thread, on an event loop, one or many at once.

A read is a generator that yields the fetch it waits for and gets what came of it. The rules of reading are written
once; here are only the ways of waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, TypeVar

from secretsource.errors import SecretSourceError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from secretsource._chain import Looked
    from secretsource._pending import Pending

__all__ = ["arun", "arun_many", "is_over", "run", "run_many"]

T = TypeVar("T")

# Seconds of one wait. A signal that comes in the last moment before a wait does not interrupt it, and Ctrl-C should.
_SLICE = 0.1


def run(read: Generator[Pending, Looked, T]) -> T:
    """Run *read* in this thread."""
    try:
        pending = next(read)
        while True:
            pending = read.send(_wait(pending))
    except StopIteration as end:
        result: T = end.value
    return result


async def arun(read: Generator[Pending, Looked, T]) -> T:
    """Run *read* on the running event loop."""
    try:
        pending = next(read)
        while True:
            pending = read.send(await _await(pending))
    except StopIteration as end:
        result: T = end.value
    return result


def is_over(read: Generator[Pending, Looked, object]) -> bool:
    """Begin *read*, and return whether it has ended without having to wait; what it began to fetch goes on."""
    try:
        next(read)
    except StopIteration:
        return True
    read.close()
    return False


def _wait(pending: Pending) -> Looked:
    while not pending.is_over:
        try:
            return pending.future.result(timeout=min(pending.patience, _SLICE))
        except TimeoutError:
            pass
    return pending.looked()


async def _await(pending: Pending) -> Looked:
    import asyncio  # noqa: PLC0415 - loaded already where a loop runs, and slow to import where none does

    wrapped = asyncio.wrap_future(pending.future)
    try:
        await asyncio.wait([wrapped], timeout=pending.patience)
        return wrapped.result() if wrapped.done() else pending.looked()
    finally:
        wrapped.cancel()  # this waiter only: the flight goes on for the others


def run_many(
    reads: Mapping[str, Generator[Pending, Looked, T]], depart: Callable[[], None]
) -> dict[str, T | SecretSourceError]:
    """Run all *reads* in this thread; their fetches run side by side.

    Args:
        reads: By name.
        depart: Called when all reads wait for something, to let the fetches that were collected go.
    """
    from concurrent.futures import FIRST_COMPLETED  # noqa: PLC0415 - slow to import, not needed for local resolvers
    from concurrent.futures import wait as wait_for  # noqa: PLC0415

    results: dict[str, T | SecretSourceError] = {}
    try:
        pending = _first(reads, results)
        while pending:
            depart()
            patience = min(_SLICE, *(each.patience for each in pending.values()))
            wait_for(
                [each.future for each in pending.values()], timeout=patience, return_when=FIRST_COMPLETED
            )
            pending = _following(reads, pending, results)
    finally:
        depart()  # what is booked must depart, also when this thread is interrupted
    return {name: results[name] for name in reads}


async def arun_many(
    reads: Mapping[str, Generator[Pending, Looked, T]], depart: Callable[[], None]
) -> dict[str, T | SecretSourceError]:
    """Do what `run_many` does on the running event loop."""
    import asyncio  # noqa: PLC0415 - loaded already where a loop runs

    results: dict[str, T | SecretSourceError] = {}
    wrapped: dict[Future[Looked], asyncio.Future[Looked]] = {}
    try:
        pending = _first(reads, results)
        while pending:
            depart()
            for each in pending.values():
                if each.future not in wrapped:
                    wrapped[each.future] = asyncio.wrap_future(each.future)
            waits = {wrapped[each.future] for each in pending.values()}
            patience = min(each.patience for each in pending.values())
            await asyncio.wait(waits, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            pending = _following(reads, pending, results)
    finally:
        depart()
        for waiter in wrapped.values():
            waiter.cancel()  # these waiters only: the flights go on for the others
    return {name: results[name] for name in reads}


def _first(
    reads: Mapping[str, Generator[Pending, Looked, T]], results: dict[str, T | SecretSourceError]
) -> dict[str, Pending]:
    started = {name: _advance(name, read, None, results) for name, read in reads.items()}
    return {name: pending for name, pending in started.items() if pending is not None}


def _following(
    reads: Mapping[str, Generator[Pending, Looked, T]],
    pending: dict[str, Pending],
    results: dict[str, T | SecretSourceError],
) -> dict[str, Pending]:
    """Let each read go on whose fetch has ended, or whose patience has."""
    following: dict[str, Pending] = {}
    for name, waited in pending.items():
        after = _advance(name, reads[name], waited.looked(), results) if waited.is_over else waited
        if after is not None:
            following[name] = after
    return following


def _advance(
    name: str,
    read: Generator[Pending, Looked, T],
    looked: Looked | None,
    results: dict[str, T | SecretSourceError],
) -> Pending | None:
    """Let one read go on to the next fetch, or note its result."""
    try:
        return next(read) if looked is None else read.send(looked)
    except StopIteration as end:
        results[name] = end.value
    except SecretSourceError as error:
        results[name] = error
    return None
