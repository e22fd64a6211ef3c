"""The end of the interpreter: nothing that hangs delays it, and what can be read still is."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.process.playing import KINDS, NAME, playing
from tests.process.run import sayings

pytestmark = pytest.mark.timed

SECONDS = 2.0

WAYS = {
    "after_a_timeout": "DeadlineExceeded",
    "during_a_refresh": "fresh",
    "while_watching": "fresh",
    "while_a_daemon_reads": "fresh",
}


def ended(kind: str, way: str) -> tuple[list[dict[str, Any]], float]:
    """Return what the program said, and how long it took to end after it had left."""
    with playing(kind) as server:
        server.answer(times=0 if way == "after_a_timeout" else 1)
        server.hang()
        said = sayings("leave", server.environ, {"way": way, "name": NAME}, seconds=30)
        took = time.monotonic() - next(each["left"] for each in said if "left" in each)
    return said, took


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hung_fetch_does_not_delay_the_exit(kind: str, way: str) -> None:
    said, took = ended(kind, way)
    assert [WAYS[way]] == [each["came"] for each in said]
    assert took < SECONDS


@pytest.mark.parametrize("kind", KINDS)
def test_at_exit_a_cached_value_is_there_and_the_wait_for_another_ends_in_time(kind: str) -> None:
    said, took = ended(kind, "reading_at_exit")
    assert [{"cold": True, "in_time": True}, {"warm": "fresh"}] == said[1:]
    assert took < SECONDS
