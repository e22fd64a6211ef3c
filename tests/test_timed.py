"""Which tests bound real time, and a run of them alone or of the others."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.timed import reads_a_clock

pytest_plugins = ["pytester"]

HOOKS = """
from tests.timed import add_option, mark

def pytest_addoption(parser):
    add_option(parser)

def pytest_configure(config):
    config.addinivalue_line("markers", "timed: bounds real time")

def pytest_collection_modifyitems(config, items):
    mark(config, items)
"""
TESTS = """
import time
import pytest

def test_by_itself():
    assert time.monotonic() > 0

@pytest.mark.timed
def test_by_its_mark():
    pass

def test_never():
    pass
"""


def _now() -> float:
    return time.perf_counter()


def _through_another() -> float:
    return _now()


def _inside() -> object:
    return lambda: time.monotonic() > 0


def _never() -> float:
    return time.time()


class Holder:
    def bound(self) -> float:
        return _through_another()


@pytest.mark.parametrize("test", [_now, _through_another, _inside, Holder.bound, Holder().bound])
def test_a_test_that_reads_a_clock_is_one(test: object) -> None:
    assert reads_a_clock(test)


@pytest.mark.parametrize("test", [_never, None, len])
def test_another_one_is_none(test: object) -> None:
    assert not reads_a_clock(test)


@pytest.mark.parametrize(("option", "passed"), [("--timed=only", 2), ("--timed=never", 1), ("-q", 3)])
def test_a_run_takes_them_alone_the_others_or_all(
    pytester: pytest.Pytester, option: str, passed: int
) -> None:
    pytester.makeconftest(HOOKS)
    pytester.makepyfile(TESTS)
    pytester.syspathinsert(Path(__file__).parents[1])

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", option)

    result.assert_outcomes(passed=passed, deselected=3 - passed)
