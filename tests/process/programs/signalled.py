"""Reads all the time while signals come, whose handler reads too: wherever the main thread is at that moment."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from itertools import cycle
from types import FrameType

from secretsource import default_store, get_secret
from tests.process.programs._reading import read_all

_EVERY = 0.002  # seconds


def main() -> None:
    told = json.load(sys.stdin)
    values: dict[str, str] = told["values"]
    names, store = list(values), default_store()
    store.on_rotation(names[0], lambda old, new: None)
    in_handler, in_main = Counter[str](), Counter[str]()
    turns, inside, stop = cycle(names), threading.Event(), threading.Event()

    def handler(signal_number: int, frame: FrameType | None) -> None:
        if inside.is_set():  # a handler of a handler of a handler would be this test's own doing
            return
        inside.set()
        name = next(turns)
        in_handler.update(read_all(store, [name], values, refresh=False))
        in_handler.update(read_all(store, [name], values))
        in_handler["right" if get_secret(name) == values[name] else "wrong"] += 1
        store.invalidate(name)
        inside.clear()

    signal.signal(signal.SIGTERM, handler)

    def send() -> None:
        while not stop.wait(_EVERY):
            os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=send)
    sender.start()
    ends = time.monotonic() + told["seconds"]
    try:
        while time.monotonic() < ends:
            in_main.update(read_all(store, names, values, refresh=False))
            in_main.update(read_all(store, names[:2], values))
            in_main.update(read_all(store, names[2:3], values, on_a_loop=True))
            many = asyncio.run(store.aget_many(names)) | store.get_many(names)
            in_main.update("right" if each.value == values[name] else "wrong" for name, each in many.items())
            store.reject(store.get(names[3]))
            store.invalidate()
    finally:
        stop.set()
        sender.join()
    json.dump({"handler": in_handler, "main": in_main}, sys.stdout)


if __name__ == "__main__":
    main()
