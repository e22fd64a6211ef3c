from __future__ import annotations

import concurrent.futures
import socket
import threading
import time

import pytest

from secretsource._clock import now
from secretsource._deadline import Deadline, is_seconds


def test_what_is_left_shrinks_and_never_goes_below_zero() -> None:
    assert 0.9 < Deadline(1).remaining <= 1
    assert 0.0 == Deadline(0).remaining
    assert Deadline(0).expired
    assert not Deadline(1).expired


def test_a_later_deadline_extends_and_an_earlier_one_does_not() -> None:
    deadline = Deadline(5)
    deadline.extend(Deadline(1))
    assert 4 < deadline.remaining <= 5
    deadline.extend(Deadline(60))
    assert 59 < deadline.remaining <= 60


@pytest.mark.parametrize("seconds", [float("inf"), 1e300, 1e10])
def test_a_deadline_without_end_is_still_a_timeout_that_waits_and_sockets_take(seconds: float) -> None:
    remaining = Deadline(seconds).remaining
    assert 900_000 < remaining
    taken = threading.Lock()
    assert taken.acquire(timeout=remaining)
    future: concurrent.futures.Future[str] = concurrent.futures.Future()
    threading.Timer(0.01, future.set_result, ["done"]).start()
    assert "done" == future.result(timeout=remaining)
    with socket.socket() as connection:
        connection.settimeout(remaining)


def test_the_repr_tells_what_is_left() -> None:
    assert "Deadline(0.000 s left)" == repr(Deadline(0))


def test_ages_run_on_a_clock_that_counts_a_suspend_and_no_change_of_the_wall_clock() -> None:
    read = getattr(time, "CLOCK_BOOTTIME", None) or time.CLOCK_MONOTONIC
    before = time.clock_gettime(read)
    assert before <= now() <= time.clock_gettime(read)


@pytest.mark.parametrize("value", [0, 1.5, 10**9, float("inf")])
def test_numbers_of_seconds(value: float) -> None:
    assert is_seconds(value)


@pytest.mark.parametrize("value", [-1, True, "1", None, float("nan"), 10**400])
def test_no_numbers_of_seconds(value: object) -> None:
    assert not is_seconds(value)
