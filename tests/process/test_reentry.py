"""A signal handler reads at every single line that the main thread can be at inside the library."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import secretsource
from secretsource import DeadlineExceeded, Document, Store, _pending
from tests.fakes import FakeClock, FakeResolver

PACKAGE = str(secretsource.__path__[0])
HURRY = 0.01  # seconds
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

    def try_to(self, act: Callable[..., object], *arguments: object, **how: Any) -> None:
        """Do what may have to wait for a lock that the interrupted read holds: it is back in time all the same."""
        with contextlib.suppress(DeadlineExceeded):
            act(*arguments, timeout=HURRY, **how)


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
    "get": lambda each: each.try_to(each.get),
    "refresh": lambda each: each.try_to(each.get, refresh=True),
    "invalidate": lambda each: each.store.invalidate(),
    "reject": lambda each: each.try_to(each.store.reject, each.store.get("c")),
}
# Tried at every line; the others may have to wait, and are tried at each seventh.
IN_NO_TIME = ("cached", "invalidate")


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
        at += 1 if handled in IN_NO_TIME else 7
    assert [] == failures
    assert at > 20
