"""Several requests at once: each has an outcome of its own, and none keeps back the others."""

from __future__ import annotations

import threading
import time

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, BackendUnavailable, ConfigError, DeadlineExceeded
from secretsource.resolvers._at_once import AT_ONCE, at_once


def test_answers_come_in_the_order_of_the_items() -> None:
    def work(item: int) -> int:
        time.sleep(0.02 if item % 2 else 0.0)
        return -item

    assert [-item for item in range(30)] == at_once(work, range(30), Deadline(5))


def test_nothing_is_answered_with_nothing() -> None:
    assert [] == at_once(lambda item: item, [], Deadline(5))


def test_one_item_needs_no_thread() -> None:
    assert [threading.current_thread()] == at_once(lambda _: threading.current_thread(), ["x"], Deadline(5))


def test_as_many_as_said_run_at_a_time() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(_item: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    at_once(work, range(3 * AT_ONCE), Deadline(5))

    assert AT_ONCE == most


@pytest.mark.parametrize("count", [1, 3])
def test_an_error_is_returned_without_frames(count: int) -> None:
    def work(_item: int) -> None:
        raise AccessDenied("no")

    errors = at_once(work, range(count), Deadline(5))

    assert [AccessDenied] * count == [type(error) for error in errors]
    assert [None] * count == [error.__traceback__ for error in errors if isinstance(error, AccessDenied)]


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_no_error_of_a_location_is_raised(count: int) -> None:
    def work(_item: int) -> None:
        raise ConfigError("no credential")

    with pytest.raises(ConfigError, match="no credential"):
        at_once(work, range(count), Deadline(5))


def test_what_hangs_keeps_back_nothing_but_itself() -> None:
    released = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            released.wait(10)
        return item

    begun = time.monotonic()
    found = at_once(work, range(4), Deadline(0.2))
    seconds = time.monotonic() - begun
    released.set()

    assert [0, 2, 3] == [item for item in found if isinstance(item, int)]
    assert isinstance(found[1], DeadlineExceeded)
    assert isinstance(found[1], BackendUnavailable)
    assert seconds < 0.7


def test_nothing_more_is_begun_after_the_deadline() -> None:
    released, begun = threading.Event(), []

    def work(item: int) -> None:
        begun.append(item)
        released.wait(10)

    at_once(work, range(3 * AT_ONCE), Deadline(0.1))
    released.set()
    time.sleep(0.05)

    assert AT_ONCE == len(begun)


def test_a_deadline_that_moves_is_followed() -> None:
    deadline = Deadline(0.05)

    def work(item: int) -> int:
        deadline.extend(Deadline(5))
        time.sleep(0.5)
        return item

    assert [0, 1] == at_once(work, range(2), deadline)


def test_without_threads_the_caller_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    assert [0, 1, 2] == at_once(lambda item: item, range(3), Deadline(5))


def test_its_threads_do_not_keep_the_interpreter() -> None:
    assert [True, True] == at_once(lambda _: threading.current_thread().daemon, range(2), Deadline(5))
