"""Ends in the midst of something; says first what came of it, and when it left."""

from __future__ import annotations

import atexit
import json
import logging
import sys
import threading
import time

from secretsource import SecretSourceError, Store, default_store
from tests.fakes import FakeClock

TTL = 100.0


def say(**said: object) -> None:
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


def outcome(store: Store, name: str, *, timeout: float | None = None, refresh: bool = False) -> str:
    try:
        return "stale" if store.get(name, timeout=timeout, refresh=refresh).stale else "fresh"
    except SecretSourceError as error:
        return type(error).__name__


def after_a_timeout(store: Store, name: str, clock: FakeClock) -> str:
    return outcome(store, name, timeout=0.3)


def during_a_refresh(store: Store, name: str, clock: FakeClock) -> str:
    store.get(name)
    clock.advance(0.95 * TTL)
    return outcome(store, name)


def while_watching(store: Store, name: str, clock: FakeClock) -> str:
    store.on_rotation(name, lambda old, new: None)
    store.get(name)
    clock.advance(0.95 * TTL)
    time.sleep(0.2)
    return outcome(store, name)


def while_a_daemon_reads(store: Store, name: str, clock: FakeClock) -> str:
    store.get(name)

    def read_on() -> None:
        while True:
            outcome(store, name)
            outcome(store, name, timeout=0.05, refresh=True)

    for _ in range(3):
        threading.Thread(target=read_on, daemon=True).start()
    time.sleep(0.2)
    return outcome(store, name)


def reading_at_exit(store: Store, name: str, clock: FakeClock) -> str:
    store.get(name)
    atexit.register(lambda: say(warm=outcome(store, name)))

    def read_cold() -> None:
        started = time.monotonic()
        came = outcome(store, f"other/{name}", timeout=0.3)
        say(cold=came.endswith(("Unavailable", "Exceeded")), in_time=time.monotonic() - started < 0.8)

    atexit.register(read_cold)
    return outcome(store, name)


WAYS = {
    each.__name__: each
    for each in (after_a_timeout, during_a_refresh, while_watching, while_a_daemon_reads, reading_at_exit)
}


def main() -> None:
    told = json.load(sys.stdin)
    logging.getLogger("secretsource").setLevel(logging.CRITICAL)
    clock = FakeClock()
    store = Store(default_store().chain, ttl=TTL, clock=clock)
    came = WAYS[told["way"]](store, told["name"], clock)
    say(came=came, left=time.monotonic())


if __name__ == "__main__":
    main()
