"""How often a backend is asked: at most three attempts, inside the deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from secretsource._deadline import Deadline
from secretsource.errors import BackendUnavailable, DeadlineExceeded, InvalidResponse, Reason, ResolverError

__all__ = ["ATTEMPTS", "number_of", "retry_after", "with_retries"]

T = TypeVar("T")

ATTEMPTS = 3
_BROKEN_ATTEMPTS = 2
_LONGEST = 1_000_000.0  # seconds; a longer wait fits into no deadline
_FIRST_PAUSE = 0.1  # seconds, doubled for each attempt, then jittered down to half of it


def with_retries(
    attempt: Callable[[], T], deadline: Deadline, *, pause: Callable[[float], None] = time.sleep
) -> T:
    """Return what *attempt* returns; ask again where that may help.

    An unavailable backend is asked up to three times, with a jittered pause or the one that its ``Retry-After`` asks
    for. A broken answer is asked for once more. A denial and a TLS failure end at once, and so does a pause that does
    not fit into the deadline.

    Args:
        attempt: Makes one request and raises one of `secretsource.errors`.
        deadline: When the answer is wanted.
        pause: Sleeps for that many seconds; for tests.
    """
    broken = 0
    for number in range(1, ATTEMPTS + 1):
        try:
            return attempt()
        except (BackendUnavailable, InvalidResponse) as error:
            failure: ResolverError = error.copy()  # without the frames of the attempt
        broken += isinstance(failure, InvalidResponse)
        if failure.reason is Reason.TLS:
            break
        wait = _pause_after(failure, number)
        last = number == ATTEMPTS or broken == _BROKEN_ATTEMPTS
        if deadline.expired or (not last and wait >= deadline.remaining):
            failure = _out_of_time(failure)
            break
        if last:
            break
        pause(wait)
    raise failure


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for (RFC 9110, section 10.2.3), or `None`.

    Args:
        header: Seconds or an HTTP date; what is neither, or lies in the past, is taken as not sent.
    """
    if not header:
        return None
    number = number_of(header)
    if number is not None:
        return number
    from datetime import UTC  # rarely needed, slow to import
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(header)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)  # the obsolete forms name no zone, and mean this one
        seconds = moment.timestamp() - time.time()
    except Exception:  # noqa: BLE001 - whatever the parser makes of what a server sent: it is no date
        return None
    return min(seconds, _LONGEST) if seconds >= 0 else None


def number_of(text: object) -> float | None:
    """Return the whole number that a header holds, `None` if it holds none; a huge one counts as a million.

    Args:
        text: The header, or `None`.
    """
    digits = text.strip() if isinstance(text, str) else ""
    return min(float(digits), _LONGEST) if digits.isascii() and digits.isdecimal() else None


def _out_of_time(failure: ResolverError) -> ResolverError:
    """Say that the deadline is over where it is the deadline that ends it: a hang, or a wait that does not fit."""
    if failure.retry_after is None and failure.reason is not Reason.TIMEOUT:
        return failure
    return DeadlineExceeded(
        failure.detail, reason=failure.reason, location=failure.location, retry_after=failure.retry_after
    )


def _pause_after(failure: ResolverError, number: int) -> float:
    if failure.retry_after is not None:
        return max(0.0, failure.retry_after)
    return _FIRST_PAUSE * 2.0 ** (number - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
