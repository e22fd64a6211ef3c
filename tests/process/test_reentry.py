"""A signal handler reads at every single line that the main thread can be at inside the library."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import secretsource
from secretsource import Document, Store, _pending
from tests.fakes import FakeClock, FakeResolver, eventually

PACKAGE = str(secretsource.__path__[0])
TIMEOUT = 0.3  # seconds; whoever waits for the read that it interrupts has it in vain
TTL = 100.0
MOST = 3  # failures that are worth seeing


class Handler:
    """Calls *act* once, in the main thread, before the *at*-th line of the library that is run there."""

    def __init__(self, act: Callable[[], object], at: int) -> None:
        self.where = ""
        self._act = act
        self._left = at
        self._thread = threading.get_ident()

    def __enter__(self) -> Handler:
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_exc: object) -> None:
        sys.settrace(None)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(PACKAGE) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and not self.where and threading.get_ident() == self._thread:
            self._left -= 1
            if self._left < 0:
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                self._act()  # nothing is traced inside a trace function
        return self._line


class Setting:
    """A store on a clock, with one value in its cache and one that is not."""

    def __init__(self) -> None:
        self.clock, self.backend = FakeClock(), FakeResolver()
        for name in ("a", "b", "c"):
            self.backend.says[name] = Document(value=f"of {name}")
        self.store = Store([self.backend], ttl=TTL, clock=self.clock)
        self.store.get("c")

    def get(self, name: str = "a", **how: Any) -> None:
        assert f"of {name}" == self.store.get(name, **how).value


def read_before(setting: Setting) -> None:
    setting.get()


def read_long_before(setting: Setting) -> None:
    setting.get()
    setting.clock.advance(1.5 * TTL)
    setting.get("c")


def read_a_while_before(setting: Setting) -> None:
    setting.get()
    setting.clock.advance(0.95 * TTL)


# What is done before, and what is interrupted.
INTERRUPTED: dict[str, tuple[Callable[[Setting], object], Callable[[Setting], object]]] = {
    "cold": (lambda each: None, lambda each: each.get()),
    "refresh": (read_before, lambda each: each.get(refresh=True)),
    "many": (lambda each: None, lambda each: each.store.get_many(["b", "a"])),
    "invalidate": (read_before, lambda each: each.store.invalidate("a")),
    "refresh behind": (read_a_while_before, lambda each: each.get()),
    "past the ttl": (read_long_before, lambda each: each.get()),
    "reject": (read_before, lambda each: each.store.reject(each.store.get("a"))),
}
HANDLED: dict[str, Callable[[Setting], object]] = {
    "cached": lambda each: each.get("c"),
    "get": lambda each: each.get(timeout=TIMEOUT),
    "refresh": lambda each: each.get(refresh=True, timeout=TIMEOUT),
    "many": lambda each: each.store.get_many(["a", "b"], timeout=TIMEOUT),
    "invalidate": lambda each: each.store.invalidate(),
    "reject": lambda each: each.store.reject(each.store.get("c"), timeout=TIMEOUT),
}


@pytest.mark.parametrize("handled", HANDLED)
@pytest.mark.parametrize("interrupted", INTERRUPTED)
def test_what_it_interrupts_goes_on_and_what_it_does_ends_in_time(
    interrupted: str, handled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pending, "_GRACE", 0.0)
    at, failures = 0, list[str]()
    while len(failures) < MOST:
        setting = Setting()
        before, act = INTERRUPTED[interrupted]
        before(setting)
        handler = Handler(partial(HANDLED[handled], setting), at)
        try:
            with handler:
                act(setting)
            setting.get()
        except Exception as error:  # noqa: BLE001 - every line is tried before any is told
            failures.append(f"{handler.where}: {error!r}")
        if not handler.where:
            break
        at += 1
    assert [] == failures
    assert at > 20


@pytest.mark.parametrize(
    "lock", ["_reads._cache", "_documents._flights", "_documents._outages", "_rotations"]
)
@pytest.mark.parametrize("handled", HANDLED)
def test_no_lock_that_it_interrupts_keeps_it_from_being_answered(lock: str, handled: str) -> None:
    setting = Setting()
    held: Any = attrgetter(f"{lock}._lock")(setting.store)
    with held:
        HANDLED[handled](setting)
    setting.get(refresh=True)


def test_in_the_middle_of_a_change_nothing_is_refreshed_behind_it() -> None:
    setting = Setting()
    setting.clock.advance(0.95 * TTL)
    setting.backend.calls.clear()
    with setting.store._reads._cache._lock:
        setting.get("c")
    assert [] == setting.backend.calls
    setting.clock.advance(1.5)
    setting.get("c")
    assert eventually(lambda: 1 == len(setting.backend.calls))
