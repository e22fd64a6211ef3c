from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from secretsource._deadline import Deadline
from secretsource.resolvers import _single_flight
from secretsource.resolvers._single_flight import SingleFlight


@contextmanager
def _interrupted_at(step: int) -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C come before that step of the flight, a line or an instruction; tell whether there was such a step."""
    count = 0

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal count
        if frame.f_code.co_filename != _single_flight.__file__:
            return None
        frame.f_trace_opcodes = True
        if event in {"line", "opcode"}:
            count += 1
            if count == step:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lambda: count >= step
    finally:
        sys.settrace(before)


def test_whenever_ctrl_c_comes_the_next_caller_is_answered() -> None:
    step, came = 0, True
    while came:
        step += 1
        flights: SingleFlight[int] = SingleFlight()
        with _interrupted_at(step) as has_come:
            try:
                flights.run("login", lambda: 1, Deadline(1))
            except KeyboardInterrupt:
                pass
            finally:
                came = has_come()
        assert 2 == flights.run("login", lambda: 2, Deadline(0))
    assert step > 5  # Python 3.12 tells the lines alone


def test_what_fails_is_asked_for_anew() -> None:
    flights: SingleFlight[int] = SingleFlight()
    with pytest.raises(ZeroDivisionError):
        flights.run("login", lambda: 1 // 0, Deadline(1))
    assert not flights.busy("login")
    assert 2 == flights.run("login", lambda: 2, Deadline(0))
