"""Small scripted stand-ins for backends and clocks, for the tests of the core."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from secretsource._reference import is_reference, parse_reference, split_name
from secretsource.resolvers import Answer, Deadline, Location

T = TypeVar("T")

ROOT = Path(__file__).parent.parent

Script = (
    object  # a document, `None`, an exception or its class, a function of location and deadline, or garbage
)


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class FakeResolver:
    """Answers what `says` holds for an address: a document, an exception to raise, or a function to call.

    With `fields` the last segment of a name is the field, as with AWS and Vault; without, every name is a document.
    """

    def __init__(self, name: str = "fake", *, local: bool = False, fields: bool = False) -> None:
        self.name = name
        self.local = local
        self.fields = fields
        self.says: dict[str, Script] = {}
        self.calls: list[Location] = []

    def locate(self, name: str, *, document: bool = False) -> Location:
        if is_reference(name):
            reference = parse_reference(name)
            return Location(
                address=reference.path,
                field=reference.field,
                version=reference.version,
                stage=reference.stage,
            )
        if document or not self.fields:
            return Location(address=name, document=document)
        path, field = split_name(name)
        return Location(address=path, field=field)

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        self.calls.append(location)
        said = self.says.get(location.address)
        if isinstance(said, BaseException) or (isinstance(said, type) and issubclass(said, BaseException)):
            raise said
        if callable(said):
            said = said(location, deadline)
        return said


class Gate:
    """A script that waits until it is opened, and then does what another script says."""

    def __init__(self, then: Script) -> None:
        self._then = then
        self._open = threading.Event()
        self.entered = threading.Semaphore(0)

    def open(self) -> None:
        self._open.set()

    def wait_until_entered(self) -> None:
        assert self.entered.acquire(timeout=10), "nobody asked the backend"

    def __call__(self, location: Location, deadline: Deadline) -> object:
        self.entered.release()
        assert self._open.wait(20), "the gate was never opened"
        if isinstance(self._then, BaseException):
            raise self._then
        return self._then


def outcome(call: Callable[[], T]) -> T | BaseException:
    """Return what *call* returns or raises."""
    try:
        return call()
    except BaseException as error:  # noqa: BLE001 - it is the result
        return error


def in_threads(count: int, call: Callable[[], T]) -> list[T | BaseException]:
    """Run *call* in that many threads at the same moment; return what each returned or raised."""
    barrier = threading.Barrier(count)

    def one() -> T | BaseException:
        barrier.wait(20)
        return outcome(call)

    with ThreadPoolExecutor(count) as pool:
        return [future.result(60) for future in [pool.submit(one) for _ in range(count)]]


def run_script(script: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    """Run a Python program that shows every warning; a hang fails the test."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "default", "-c", script],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=ROOT,
    )


class BatchResolver(FakeResolver):
    """One that is asked for several documents at once; what `says` holds is the answer for each of them."""

    def __init__(self, name: str = "fake", *, fields: bool = False) -> None:
        super().__init__(name, fields=fields)
        self.batches: list[list[str]] = []
        self.before_batch: Callable[[], object] = bool

    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> list[object]:
        self.batches.append([location.address for location in locations])
        self.before_batch()
        return [outcome(partial(self.fetch, each, deadline)) for each in locations]


def eventually(condition: Callable[[], object], *, within: float = 5) -> bool:
    """Wait until what another thread does makes *condition* true; return whether it did in time."""
    until = time.monotonic() + within
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True
