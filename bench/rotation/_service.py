"""The HTTP service in a process of its own, so that its work is none of the application's."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Self

from tests.servers.keyed import KeyedServer

__all__ = ["Service"]


class Service:
    """A `KeyedServer` that is told of rotations."""

    def __init__(self, key: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._orders, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, key), daemon=True)
        self._process.start()
        theirs.close()
        self.url: str = self._orders.recv()

    def rotate(self, key: str, *, overlap: bool) -> None:
        """Take *key*, and with *overlap* the one of before too."""
        self._orders.send((key, overlap))
        self._orders.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._orders.close()
        self._process.join(10)


def _serve(orders: Connection, key: str) -> None:
    with KeyedServer(key) as server, suppress(EOFError):
        orders.send(server.url)
        while True:
            key, overlap = orders.recv()
            server.end_overlap()
            server.rotate(key, overlap=overlap)
            orders.send(None)
