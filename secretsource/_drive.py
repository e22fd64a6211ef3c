"""Running reads to their end: in a thread, on an event loop, one or many at once.

A read is a generator that yields the future it waits for and gets what came of it. The rules of reading are written
once; here are only the ways of waiting.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, TypeVar

from secretsource._deadline import Deadline
from secretsource._documents import too_late, wait
from secretsource.errors import SecretSourceError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from secretsource._chain import Looked

__all__ = ["arun", "arun_many", "run", "run_many"]

T = TypeVar("T")


def run(read: Generator[Future[Looked], Looked, T], deadline: Deadline) -> T:
    """Run *read* in this thread."""
    try:
        pending = next(read)
        while True:
            pending = read.send(wait(pending, deadline))
    except StopIteration as end:
        result: T = end.value
    return result


async def arun(read: Generator[Future[Looked], Looked, T], deadline: Deadline) -> T:
    """Run *read* on the running event loop."""
    try:
        pending = next(read)
        while True:
            pending = read.send(await _await(pending, deadline))
    except StopIteration as end:
        result: T = end.value
    return result


async def _await(pending: Future[Looked], deadline: Deadline) -> Looked:
    import asyncio  # noqa: PLC0415 - loaded already where a loop runs, and slow to import where none does

    wrapped = asyncio.wrap_future(pending)
    try:
        await asyncio.wait([wrapped], timeout=deadline.remaining)
        return wrapped.result() if wrapped.done() else too_late()
    finally:
        wrapped.cancel()  # this waiter only: the flight goes on for the others


def run_many(
    reads: Mapping[str, Generator[Future[Looked], Looked, T]], deadline: Deadline
) -> dict[str, T | SecretSourceError]:
    """Run all *reads* in this thread; their fetches run side by side."""
    from concurrent.futures import FIRST_COMPLETED  # noqa: PLC0415 - slow to import, not needed for local resolvers
    from concurrent.futures import wait as wait_for  # noqa: PLC0415

    results: dict[str, T | SecretSourceError] = {}
    pending = {
        name: future for name, read in reads.items() if (future := _advance(name, read, None, results))
    }
    while pending:
        done = wait_for(pending.values(), timeout=deadline.remaining, return_when=FIRST_COMPLETED).done
        for name, future in list(pending.items()):
            if future in done or not done:
                looked = future.result() if future.done() else too_late()
                following = _advance(name, reads[name], looked, results)
                if following is None:
                    del pending[name]
                else:
                    pending[name] = following
    return {name: results[name] for name in reads}


def _advance(
    name: str,
    read: Generator[Future[Looked], Looked, T],
    looked: Looked | None,
    results: dict[str, T | SecretSourceError],
) -> Future[Looked] | None:
    """Let one read go on to the next future, or note its result."""
    try:
        return next(read) if looked is None else read.send(looked)
    except StopIteration as end:
        results[name] = end.value
    except SecretSourceError as error:
        results[name] = error
    return None


async def arun_many(
    reads: Mapping[str, Generator[Future[Looked], Looked, T]], deadline: Deadline
) -> dict[str, T | SecretSourceError]:
    """Run all *reads* on the running event loop; their fetches run side by side."""
    import asyncio  # noqa: PLC0415 - loaded already where a loop runs

    async def one(read: Generator[Future[Looked], Looked, T]) -> T | SecretSourceError:
        try:
            return await arun(read, deadline)
        except SecretSourceError as error:
            return error

    return dict(zip(reads, await asyncio.gather(*(one(read) for read in reads.values())), strict=True))
