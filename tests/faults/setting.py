"""What one cell stands on: a server that is played or real, a resolver, and a store with a clock."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from secretsource import Secret, SecretNotFound, Store
from secretsource.errors import ResolverError
from secretsource.resolvers import Resolver, _retry
from tests.fakes import FakeClock
from tests.faults.canaries import Canaries
from tests.faults.cases import Cell, Seen
from tests.faults.played import NAME, Certificates, Played, start
from tests.servers.faulty import FaultyServer

__all__ = ["MAX_STALE", "TTL", "Setting", "outcome_of"]

TTL, MAX_STALE = 100.0, 900.0


class Setting:
    """A store in front of one backend, for one cell.

    Attributes:
        cell: What is tried.
        canaries: What must not be seen.
        clock: That of the store.
        folder: An empty one.
        name: What is read.
        value: What it has.
        resolver: Asks the backend.
        store: Has the resolver in its chain.
        note: What is written down of the cell.
    """

    store: Store
    played: Played
    resolver: Resolver
    real: Any
    file: Path

    def __init__(
        self,
        cell: Cell,
        monkeypatch: pytest.MonkeyPatch,
        folder: Path,
        certificates: Callable[[], Certificates],
    ) -> None:
        self.cell = cell
        self.canaries = Canaries()
        self.monkeypatch = monkeypatch
        self.folder = folder
        self.certificates = certificates
        self.clock = FakeClock()
        self.name = NAME
        self.note: dict[str, object] = {}
        self.ends = ExitStack()
        self.asked: Callable[[], int | None] = lambda: None
        self._value: Any = None
        monkeypatch.setattr(_retry, "_FIRST_PAUSE", 0.005)

    # Making it

    def play(self, server: FaultyServer | None = None) -> None:
        """Play the backend of the cell."""
        row = self.cell.row
        context = self.certificates().good if row.tls else None
        server = self.ends.enter_context(server or FaultyServer(context))
        url = server.url.replace("127.0.0.1", row.host) if row.host else server.url
        self.played = start(
            self.cell.backend,
            server,
            self.canaries,
            monkeypatch=self.monkeypatch,
            url=url,
            ca_file=self.certificates().file if row.tls else None,
            logs_in=row.logs_in,
        )
        self.resolver = self.played.resolver
        self.open()

    def open(self, **settings: Any) -> Store:
        """Make the store."""
        settings = {"ttl": TTL, "max_stale": MAX_STALE, "stale_wait": self.cell.row.stale_wait} | settings
        self.store = Store([self.resolver], timeout=self.cell.row.timeout, clock=self.clock, **settings)
        self.ends.callback(self.store.close)
        return self.store

    @cached_property
    def other(self) -> FaultyServer:
        """Another host, which nothing may be sent to."""
        return self.ends.enter_context(FaultyServer())

    @property
    def server(self) -> FaultyServer:
        return self.played.server

    @property
    def value(self) -> Any:
        return self._value if self._value is not None else self.played.value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = value

    @property
    def place(self) -> str:
        """The path that the fault is at."""
        return self.played.login if self.cell.row.place == "login" else self.played.read

    # Local places

    def canary(self) -> str:
        """Return a new value to hide, which needs no quoting."""
        text = secrets.token_hex(32)
        self.canaries.add("value", text)
        return text

    def write(self, value: str) -> None:
        """Let the place hold *value*."""
        self.file.write_text(
            f"APP_KEY='{value}'\n" if self.cell.backend == "dotenv" else value, encoding="utf-8"
        )

    # Reading

    def warm(self) -> None:
        """Read once, and let the time to live go by."""
        assert self.value == self.store.get(self.name, timeout=20).value
        self.clock.advance(1.5 * TTL)

    def forget(self) -> None:
        """Count from now on."""
        self.server.requests.clear()
        self.server.connections = 0

    def count(self) -> int | None:
        """Return how often the place that fails was asked."""
        if self.cell.row.place == "nothing":
            return self.asked()
        if self.cell.row.place == "connections":
            return self.server.connections
        return self.played.asked(self.place)

    def read(self, **how: Any) -> Seen:
        """Read as the cell wants it, and say what came of it."""
        started = time.monotonic()
        came = outcome_of(lambda: self.read_in_its_way(**how), self.is_right)
        came.seconds = time.monotonic() - started
        return came

    def is_right(self, secret: Secret) -> bool:
        """Whether a reader has got what there is."""
        right = self.value
        return bool(secret.value_bytes == right if isinstance(right, bytes) else secret.value == right)

    def read_in_its_way(self, **how: Any) -> Secret:
        how = {"timeout": self.cell.row.timeout} | how
        if self.cell.way == "async":
            return asyncio.run(self.store.aget(self.name, **how))
        return self.store.get(self.name, **how)

    def no_such_host(self) -> None:
        """Let the names of hosts be unknown from now on, and connections end."""

        def unknown(*_args: object, **_more: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        self.monkeypatch.setattr(socket, "getaddrinfo", unknown)
        self.server.drop_connections()

    def __repr__(self) -> str:
        return "Setting()"


def outcome_of(call: Callable[[], Secret], is_right: Callable[[Secret], bool]) -> Seen:
    """Return what came of a call, in words; never the value."""
    try:
        secret = call()
    except SecretNotFound as error:
        reasons = [str(step.reason) for step in error.steps]
        return Seen("SecretNotFound", ", ".join(reasons), error=error)
    except ResolverError as error:
        return Seen(type(error).__name__, str(error.reason), error=error)
    except Exception as error:  # noqa: BLE001 - it is what came of it
        return Seen(type(error).__name__, error=error)
    if not is_right(secret):
        return Seen("another value")
    return Seen("stale value" if secret.stale else "value")
