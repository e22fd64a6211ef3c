"""Waits for a backend that hangs until Ctrl-C comes, in each way there is to wait."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from secretsource import Store, default_store

_PATIENCE = 20.0


def wait_in_attempts(store: Store, name: str) -> None:
    for attempt in store.attempts(name, on=KeyError, timeout=_PATIENCE):
        with attempt:
            pass


async def wait_in_async_attempts(store: Store, name: str) -> None:
    async for attempt in store.attempts(name, on=KeyError, timeout=_PATIENCE):
        async with attempt:
            pass


WAYS: dict[str, Callable[[Store, str], object]] = {
    "get": lambda store, name: store.get(name, timeout=_PATIENCE),
    "get_many": lambda store, name: store.get_many([name, f"other/{name}"], timeout=_PATIENCE),
    "get_fields": lambda store, name: store.get_fields("other", timeout=_PATIENCE),
    "attempts": wait_in_attempts,
    "aget": lambda store, name: asyncio.run(store.aget(name, timeout=_PATIENCE)),
    "aget_many": lambda store, name: asyncio.run(store.aget_many([name], timeout=_PATIENCE)),
    "async attempts": lambda store, name: asyncio.run(wait_in_async_attempts(store, name)),
}


def seconds_until_back(wait: Callable[[Store, str], object], store: Store, name: str) -> float | str:
    """Return how long after Ctrl-C the wait was over, or what it ended with in its place."""
    pressed: list[float] = []

    def press() -> None:
        time.sleep(0.25)
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    try:
        wait(store, name)
    except KeyboardInterrupt:
        return time.monotonic() - pressed[0]
    except Exception as error:  # noqa: BLE001 - told
        return type(error).__name__
    return "returned"


def main() -> None:
    told = json.load(sys.stdin)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    store, warm = default_store(), told["name"]
    store.get(warm)
    took = {way: seconds_until_back(wait, store, f"hung/{warm}") for way, wait in WAYS.items()}
    json.dump({"took": took, "warm": store.get(warm).stale}, sys.stdout)


if __name__ == "__main__":
    main()
