"""Tests that bound real time: a machine that is busy with others makes them fail, so they can be run apart."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType

import pytest

__all__ = ["add_option", "mark", "reads_a_clock"]

_CLOCKS = frozenset({"monotonic", "perf_counter"})


def add_option(parser: pytest.Parser) -> None:
    """Let a run choose between them and the others."""
    parser.addoption(
        "--timed",
        choices=("only", "never"),
        help="run only the tests that bound real time, or never one of them; by default, all tests",
    )


def mark(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark those that read a clock, and leave out what the run does not want."""
    for item in items:
        if reads_a_clock(getattr(item, "function", None)):
            item.add_marker("timed")
    wanted = config.getoption("--timed")
    if wanted is not None:
        chosen = {
            timed: [each for each in items if timed == bool(each.get_closest_marker("timed"))]
            for timed in (True, False)
        }
        config.hook.pytest_deselected(items=chosen[wanted != "only"])
        items[:] = chosen[wanted == "only"]


def reads_a_clock(test: object) -> bool:
    """Whether a test asks how much time went by, by itself or through functions of its own module."""
    function = getattr(test, "__func__", test)
    return isinstance(function, FunctionType) and any(
        not _CLOCKS.isdisjoint(code.co_names) for code in _codes(function)
    )


def _codes(function: FunctionType) -> Iterator[CodeType]:
    """Yield the code of a function, of those inside it, and of those that it calls in its module."""
    seen: set[str] = set()
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
        called = [function.__globals__.get(name) for name in code.co_names if name not in seen]
        seen.update(code.co_names)
        waiting += [
            each.__code__
            for each in called
            if isinstance(each, FunctionType) and each.__module__ == function.__module__
        ]
