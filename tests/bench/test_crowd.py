"""Crowds, readers, and the network in between: what the sections on age and outages are measured with."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from bench._crowd import BLOCKED, Outcome, Rounds, crowd, percentile
from bench._servers import LATE, Servers


def test_all_readers_of_a_crowd_read_at_once() -> None:
    meeting = threading.Barrier(8)

    went = crowd(lambda: meeting.wait(5), 8)

    assert (8, [], 0) == (len(went.waits), went.errors, went.stale)


def test_an_error_and_an_old_value_are_told_apart() -> None:
    turn = itertools.count()

    def read() -> object:
        if next(turn) % 2:
            raise LookupError
        return SimpleNamespace(stale=True)

    went = crowd(read, 4)

    assert (4, ["LookupError"] * 2, 2, "LookupError") == (
        len(went.waits),
        went.errors,
        went.stale,
        went.kinds,
    )


def test_who_waits_longer_than_the_limit_is_blocked() -> None:
    assert Outcome([BLOCKED, BLOCKED * 1.01, 0.0], [], 0).blocked == 1


def test_of_several_rounds_the_worst_one_says_who_was_served_and_who_was_told() -> None:
    late = 2 * BLOCKED
    rounds = Rounds([1, 2], [Outcome([0.0, late], [], 2), Outcome([late, late], ["OSError"], 0)])
    assert (2, 1, 0, 3) == (rounds.size, rounds.served, rounds.stale, rounds.blocked)
    assert [0.0, late, late, late] == rounds.waits


@pytest.mark.parametrize(("share", "expected"), [(0.01, 1), (0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_one_of_the_values(share: float, expected: int) -> None:
    assert expected == percentile(list(range(100, 0, -1)), share)


def test_the_network_in_between_is_late_by_what_it_says() -> None:
    with Servers() as servers:
        seconds = {}
        for label, url in (("near", servers.canned.url), ("late", servers.late(servers.canned.url))):
            connection = http.client.HTTPConnection(urlsplit(url).netloc)
            for _ in range(3):
                start = time.perf_counter()
                connection.request("POST", "/", b"{}", {"X-Amz-Target": "secretsmanager.GetSecretValue"})
                assert servers.value.encode() in connection.getresponse().read()
                seconds[label] = time.perf_counter() - start
            connection.close()

    assert LATE <= seconds["late"]
    assert seconds["near"] < LATE
