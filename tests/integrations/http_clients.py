"""What the tests of the HTTP clients share: a service that changes its key, and a backend that knows the newest."""

from __future__ import annotations

import io
import logging
import secrets
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from secretsource import Store, configure
from secretsource.testing import MemoryResolver
from tests.servers.keyed import KeyedServer
from tests.servers.pepipost import fingerprint

NAME = "pepipost/api_key"


class World:
    """A service and a backend, which have the same key until one of them is ahead."""

    def __init__(self, server: KeyedServer, key: str) -> None:
        self.server = server
        self.key = key
        self._other: KeyedServer | None = None
        self.memory = MemoryResolver({NAME: key})
        self.store: Store = configure(chain=[self.memory])

    @property
    def other(self) -> KeyedServer:
        """Another service, at another port, which takes the first key."""
        if self._other is None:
            self._other = KeyedServer(self.key)
        return self._other

    def stop(self) -> None:
        if self._other is not None:
            self._other.stop()

    def rotate(self, *, backend: bool = True) -> str:
        """Make another key, which the service takes at once, and which the backend has, or not yet."""
        self.key = secrets.token_hex(12)
        self.server.rotate(self.key)
        if backend:
            self.store_key()
        return self.key

    def store_key(self) -> None:
        self.memory.put(NAME, self.key)

    @property
    def keys(self) -> list[str]:
        """What came with each request to the service: the newest key, another one, or none."""
        newest = fingerprint(self.key)
        return [
            "none" if each.key is None else "new" if each.key == newest else "old"
            for each in self.server.seen
        ]


@contextmanager
def world() -> Iterator[World]:
    """Start it."""
    key = secrets.token_hex(12)
    with KeyedServer(key) as server:
        it = World(server, key)
        try:
            yield it
        finally:
            it.stop()


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Write all that is logged in the block, of every library, into what this returns."""
    text = io.StringIO()
    handler, root = logging.StreamHandler(text), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def shown_with_locals(call: Callable[[], object]) -> str:
    """Return what error reporters show of the exception of *call*: each frame behind the test's, with its locals."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - it is what is shown
        parts = []
        seen: BaseException | None = error
        while seen is not None:
            parts += [repr(seen), "".join(traceback.format_exception_only(seen))]
            frames = [frame for frame, _ in traceback.walk_tb(seen.__traceback__)]
            ours = [frame for frame in frames if "/tests/" not in frame.f_code.co_filename]
            parts += [
                f"{frame.f_code.co_qualname} {name} = {value!r}"
                for frame in ours
                for name, value in frame.f_locals.items()
            ]
            seen = seen.__cause__ or seen.__context__
        return "\n".join(parts)
    raise AssertionError("the call was expected to fail")
