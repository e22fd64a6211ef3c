from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsource._deadline import Deadline
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    DeadlineExceeded,
    InvalidResponse,
    Reason,
    ResolverError,
)
from secretsource.resolvers._retry import retry_after, with_retries


class Backend:
    """Raises what it is given in turn, and then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self._errors = list(errors)
        self.attempts = 0
        self.pauses: list[float] = []

    def attempt(self) -> str:
        self.attempts += 1
        if self._errors:
            raise self._errors.pop(0)
        return "answer"

    def ask(self, seconds: float = 10) -> str:
        return with_retries(self.attempt, Deadline(seconds), pause=self.pauses.append)


def error_of(call: Callable[[], object]) -> ResolverError:
    with pytest.raises(ResolverError) as caught:
        call()
    return caught.value


def test_an_answer_takes_one_attempt_and_no_pause() -> None:
    backend = Backend()
    assert "answer" == backend.ask()
    assert (1, []) == (backend.attempts, backend.pauses)


def test_an_unavailable_backend_is_asked_three_times_with_growing_jittered_pauses() -> None:
    backend = Backend(*[BackendUnavailable("503")] * 9)
    assert "503" == error_of(backend.ask).detail
    assert 3 == backend.attempts
    first, second = backend.pauses
    assert 0.05 <= first <= 0.1 <= second <= 0.2


def test_the_jitter_differs_from_time_to_time() -> None:
    random.seed()
    pauses = set()
    for _ in range(5):
        backend = Backend(BackendUnavailable())
        backend.ask()
        pauses.update(backend.pauses)
    assert 1 < len(pauses)


def test_a_second_or_third_attempt_may_succeed() -> None:
    assert "answer" == Backend(BackendUnavailable()).ask()
    assert "answer" == Backend(BackendUnavailable(), BackendUnavailable()).ask()


def test_a_broken_answer_is_asked_for_once_more() -> None:
    assert "answer" == Backend(InvalidResponse()).ask()
    backend = Backend(*[InvalidResponse("html")] * 9)
    assert isinstance(error_of(backend.ask), InvalidResponse)
    assert 2 == backend.attempts


def test_broken_and_unavailable_together_take_three_attempts_at_most() -> None:
    backend = Backend(InvalidResponse(), BackendUnavailable(), InvalidResponse("html"))
    assert "html" == error_of(backend.ask).detail
    assert 3 == backend.attempts


@pytest.mark.parametrize(
    "error",
    [
        AccessDenied("403"),
        BackendUnavailable(reason=Reason.TLS),
        BackendUnavailable(reason=Reason.TLS, retry_after=1),
        ResolverError("other"),
        ValueError("any"),
        KeyboardInterrupt(),
    ],
)
def test_a_denial_a_tls_failure_and_the_unknown_end_at_once(error: BaseException) -> None:
    backend = Backend(error, error)
    with pytest.raises(type(error)):
        backend.ask()
    assert (1, []) == (backend.attempts, backend.pauses)


def test_a_tls_failure_says_so_also_when_the_deadline_is_over() -> None:
    error = error_of(lambda: Backend(BackendUnavailable(reason=Reason.TLS)).ask(0))
    assert (BackendUnavailable, Reason.TLS) == (type(error), error.reason)


def test_a_retry_after_that_fits_is_waited_for() -> None:
    backend = Backend(BackendUnavailable(reason=Reason.THROTTLED, retry_after=4))
    assert "answer" == backend.ask()
    assert [4] == backend.pauses


@pytest.mark.parametrize("seconds", [11, 3600, float("inf")])
def test_a_retry_after_that_does_not_fit_ends_at_once_and_is_told(seconds: float) -> None:
    backend = Backend(
        BackendUnavailable("429", reason=Reason.THROTTLED, location="here", retry_after=seconds)
    )
    error = error_of(backend.ask)
    assert isinstance(error, DeadlineExceeded)
    assert ("429", Reason.THROTTLED, "here", seconds) == (
        error.detail,
        error.reason,
        error.location,
        error.retry_after,
    )
    assert (1, []) == (backend.attempts, backend.pauses)


def test_a_retry_after_in_the_past_is_no_pause_at_all() -> None:
    backend = Backend(BackendUnavailable(retry_after=-5))
    backend.ask()
    assert [0.0] == backend.pauses


def test_a_retry_after_of_the_last_attempt_is_told_and_not_waited_for() -> None:
    error = error_of(Backend(*[BackendUnavailable("503", retry_after=60)] * 3).ask)
    assert 60 == error.retry_after


def test_a_server_that_fails_quickly_is_told_as_what_it_is_when_no_pause_fits() -> None:
    error = error_of(lambda: Backend(BackendUnavailable("503"), BackendUnavailable("503")).ask(0.04))
    assert (BackendUnavailable, Reason.SERVER) == (type(error), error.reason)


def test_a_hang_to_the_deadline_is_told_as_the_deadline() -> None:
    error = error_of(lambda: Backend(BackendUnavailable("read", reason=Reason.TIMEOUT)).ask(0))
    assert (DeadlineExceeded, Reason.TIMEOUT, "read") == (type(error), error.reason, error.detail)


def test_a_hang_of_the_last_attempt_to_the_deadline_is_told_as_the_deadline() -> None:
    deadline = Deadline(10)
    attempts = 0

    def attempt() -> str:
        nonlocal attempts
        attempts += 1
        if attempts == 3:
            deadline._at = time.monotonic()
        raise BackendUnavailable(reason=Reason.TIMEOUT)

    assert isinstance(
        error_of(lambda: with_retries(attempt, deadline, pause=lambda _: None)), DeadlineExceeded
    )


def test_three_quick_timeouts_inside_the_deadline_are_no_deadline() -> None:
    error = error_of(Backend(*[BackendUnavailable(reason=Reason.TIMEOUT)] * 3).ask)
    assert BackendUnavailable is type(error)


def test_a_deadline_that_is_extended_meanwhile_counts() -> None:
    deadline = Deadline(0)

    def attempt() -> str:
        if deadline.expired:
            deadline.extend(Deadline(10))
            raise BackendUnavailable(reason=Reason.TIMEOUT)
        return "answer"

    assert "answer" == with_retries(attempt, deadline, pause=lambda _: None)


def test_the_error_is_a_copy_without_the_frames_of_the_attempt() -> None:
    original = BackendUnavailable("503")
    error = error_of(Backend(original, original, original).ask)
    assert error is not original
    assert error.__cause__ is None
    assert error.__context__ is None
    trace, frames = error.__traceback__, []
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    assert "attempt" not in [frame.f_code.co_name for frame in frames]
    held = [
        value for frame in frames for value in frame.f_locals.values() if isinstance(value, ResolverError)
    ]
    assert original not in held


class TestHeader:
    @pytest.mark.parametrize(("header", "seconds"), [("0", 0.0), ("120", 120.0), (" 7 ", 7.0)])
    def test_seconds(self, header: str, seconds: float) -> None:
        assert seconds == retry_after(header)

    def test_a_date(self) -> None:
        seconds = retry_after(formatdate(time.time() + 90, usegmt=True))
        assert seconds is not None
        assert 85 < seconds <= 90

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
    @pytest.mark.parametrize(
        "form", ["%a, %d %b %Y %H:%M:%S -0000", "%a %b %d %H:%M:%S %Y", "%A, %d-%b-%y %H:%M:%S GMT"]
    )
    def test_a_date_without_a_zone_is_gmt_wherever_we_are(
        self, form: str, zone: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(os.environ, "TZ", zone)
        time.tzset()
        try:
            seconds = retry_after(time.strftime(form, time.gmtime(time.time() + 90)))
        finally:
            monkeypatch.undo()
            time.tzset()
        assert seconds is not None
        assert 85 < seconds <= 90

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            " ",
            "-5",
            "1.5",
            "soon",
            "1e9",
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "Wed, 99 Oct 2035 07:28:00 GMT",
        ],
    )
    def test_what_is_no_time_or_in_the_past_is_taken_as_not_sent(self, header: str | None) -> None:
        assert retry_after(header) is None

    @pytest.mark.parametrize("digits", ["9" * 400, "9" * 5000])
    def test_a_number_without_end_counts_as_a_wait_that_fits_nowhere(self, digits: str) -> None:
        assert 1_000_000.0 == retry_after(digits)

    @given(st.one_of(st.text(), st.from_regex(r"\A\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ ([+-]\d+|GMT)?\Z")))
    def test_no_header_breaks_it(self, header: str) -> None:
        seconds = retry_after(header)
        assert seconds is None or seconds >= 0
