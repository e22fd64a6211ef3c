"""Running reads to their end: in a thread, on an event loop, one or many at once.

A read is a generator that yields the fetch it waits for and gets what came of it. The rules of reading are written
once; here are only the ways of waiting.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, TypeVar

from secretsource.errors import SecretSourceError

if TYPE_CHECKING:
    from secretsource._chain import Looked
    from secretsource._pending import Pending

__all__ = ["arun", "arun_many", "run", "run_many"]

T = TypeVar("T")


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


def _wait(pending: Pending) -> Looked:
    try:
        return pending.future.result(timeout=pending.patience)
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
    reads: Mapping[str, Generator[Pending, Looked, T]],
) -> dict[str, T | SecretSourceError]:
    """Run all *reads* in this thread; their fetches run side by side."""
    from concurrent.futures import FIRST_COMPLETED  # noqa: PLC0415 - slow to import, not needed for local resolvers
    from concurrent.futures import wait as wait_for  # noqa: PLC0415

    results: dict[str, T | SecretSourceError] = {}
    pending = {name: first for name, read in reads.items() if (first := _advance(name, read, None, results))}
    while pending:
        patience = min(each.patience for each in pending.values())
        wait_for([each.future for each in pending.values()], timeout=patience, return_when=FIRST_COMPLETED)
        for name, waited in list(pending.items()):
            if waited.future.done() or waited.is_over:
                following = _advance(name, reads[name], waited.looked(), results)
                if following is None:
                    del pending[name]
                else:
                    pending[name] = following
    return {name: results[name] for name in reads}


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


async def arun_many(
    reads: Mapping[str, Generator[Pending, Looked, T]],
) -> dict[str, T | SecretSourceError]:
    """Run all *reads* on the running event loop; their fetches run side by side."""
    import asyncio  # noqa: PLC0415 - loaded already where a loop runs

    async def one(read: Generator[Pending, Looked, T]) -> T | SecretSourceError:
        try:
            return await arun(read)
        except SecretSourceError as error:
            return error

    return dict(zip(reads, await asyncio.gather(*(one(read) for read in reads.values())), strict=True))
