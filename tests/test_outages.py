from __future__ import annotations

import logging

import pytest

from secretsource._keys import DocumentKey, document_key
from secretsource._outages import LONGEST_PAUSE, SHORTEST_PAUSE, Outages, pause_after
from secretsource.errors import BackendUnavailable, Reason

DOWN = BackendUnavailable()


def key(address: str = "a", resolver: str = "fake") -> DocumentKey:
    return document_key(resolver, address)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records if record.name == "secretsource"]


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "secretsource")


class TestPauses:
    def test_they_double_up_to_the_longest(self) -> None:
        pauses = [pause_after(attempts, jitter=0) for attempts in range(1, 9)]
        assert [1, 2, 4, 8, 16, 32, 60, 60] == pauses

    def test_a_fifth_more_or_less_is_chance(self) -> None:
        assert pytest.approx(8 * 0.8) == pause_after(4, jitter=-1)
        assert pytest.approx(8 * 1.2) == pause_after(4, jitter=1)

    @pytest.mark.parametrize("jitter", [-1, 0, 1])
    @pytest.mark.parametrize("attempts", [1, 2, 7, 50, 100_000])
    def test_they_stay_within_their_bounds(self, attempts: int, jitter: int) -> None:
        assert SHORTEST_PAUSE <= pause_after(attempts, jitter=jitter) <= LONGEST_PAUSE


class TestAttempts:
    def test_any_may_be_made_while_all_is_well(self) -> None:
        outages = Outages()
        assert [True] * 3 == [outages.may_try(key(), 0, 10) for _ in range(3)]
        assert outages.failure(key(), 0) is None

    def test_none_is_made_before_the_pause_is_over(self) -> None:
        outages = Outages()
        outages.failed(key(), DOWN, 1, 100)
        assert not outages.may_try(key(), 100.99, 10)
        assert outages.may_try(key(), 101.2, 10)

    def test_one_is_made_at_a_time_for_all_documents_of_a_link(self) -> None:
        outages = Outages()
        outages.failed(key("a"), DOWN, 1, 100)
        assert outages.may_try(key("a"), 110, 10)
        assert not outages.may_try(key("a"), 110, 10)
        assert not outages.may_try(key("b"), 110, 10)

    def test_another_one_follows_where_one_has_not_ended_in_its_time(self) -> None:
        outages = Outages()
        outages.failed(key(), DOWN, 1, 100)
        assert outages.may_try(key(), 110, 0)
        assert outages.may_try(key(), 110, 0)

    def test_another_link_has_nothing_to_do_with_it(self) -> None:
        outages = Outages()
        outages.failed(key(resolver="one"), DOWN, 1, 100)
        assert outages.may_try(key(resolver="two"), 100, 10)
        assert outages.failure(key(resolver="two"), 100) is None

    def test_each_failure_makes_the_pause_longer(self) -> None:
        outages, now, pauses = Outages(), 0.0, []
        for number in range(8):
            outages.failed(key(), DOWN, number, now)
            start = now
            while not outages.may_try(key(), now, 10):
                now += 0.05
            pauses.append(now - start)
        expected = [1, 2, 4, 8, 16, 32, 60, 60]
        assert all(
            0.8 * least - 0.1 <= pause <= 1.2 * least + 0.1
            for pause, least in zip(pauses, expected, strict=True)
        )
        assert max(pauses) <= LONGEST_PAUSE + 0.1

    def test_failures_of_one_moment_count_once(self) -> None:
        outages = Outages()
        for number in range(10):
            outages.failed(key(), DOWN, number, 100)
        assert outages.may_try(key(), 101.2, 10)

    def test_the_backend_may_ask_for_a_longer_pause(self) -> None:
        outages = Outages()
        outages.failed(key(), BackendUnavailable(retry_after=50), 1, 100)
        assert not outages.may_try(key(), 149, 10)
        assert outages.may_try(key(), 150, 10)

    @pytest.mark.parametrize("seconds", [500.0, float("inf"), float("nan"), -1.0])
    def test_but_for_none_beyond_a_minute(self, seconds: float) -> None:
        outages = Outages()
        outages.failed(key(), BackendUnavailable(retry_after=seconds), 1, 100)
        assert not outages.may_try(key(), 100.9, 10)
        assert outages.may_try(key(), 160, 10)

    def test_an_answer_ends_the_pause_of_the_link(self) -> None:
        outages = Outages()
        outages.failed(key("a"), DOWN, 1, 100)
        outages.failed(key("b"), DOWN, 2, 102)
        outages.answered(key("b"), 102)
        assert outages.may_try(key("c"), 102, 10)

    def test_the_last_failure_of_a_document_is_known_until_it_is_answered_or_forgotten(self) -> None:
        outages, error = Outages(), BackendUnavailable(reason=Reason.DNS)
        for address in "ab":
            outages.failed(key(address), DOWN, 1, 100)
            outages.failed(key(address), error, 2, 110)
        assert outages.failure(key("a"), 120) is error
        assert outages.failure(key("b"), 120) is error
        outages.answered(key("a"), 120)
        outages.forget(key("b"))
        assert outages.failure(key("a"), 120) is None
        assert outages.failure(key("b"), 120) is None

    def test_a_failure_counts_until_the_next_attempt_is_long_overdue(self) -> None:
        outages = Outages()
        outages.failed(key(), DOWN, 1, 100)
        assert outages.failure(key(), 100 + LONGEST_PAUSE) is DOWN
        assert outages.failure(key(), 110 + LONGEST_PAUSE) is None
        assert outages.may_try(key(), 110 + LONGEST_PAUSE, 10)
        assert outages.failure(key(), 110 + LONGEST_PAUSE) is DOWN  # an attempt is under way

    def test_one_that_was_refused_its_turn_goes_before_one_that_had_the_last(self) -> None:
        outages, now = Outages(), 100.0
        for address in "ab":
            outages.failed(key(address), DOWN, 1, now)
        turns = ""
        for second in range(900):
            for address in "ab" if second % 20 == 0 else "a":  # one is read often, the other one seldom
                if outages.may_try(key(address), now + second, 10):
                    turns += address
                    outages.failed(key(address), DOWN, second, now + second)
        assert "babababa" in turns

    def test_nobody_waits_longer_than_a_pause_for_one_that_does_not_come(self) -> None:
        outages = Outages()
        for address in "ab":
            outages.failed(key(address), DOWN, 1, 100)
        assert outages.may_try(key("a"), 102, 10)
        outages.failed(key("a"), DOWN, 2, 102)
        assert not outages.may_try(key("b"), 102.1, 10)
        assert not outages.may_try(key("a"), 110, 10)
        assert outages.may_try(key("a"), 110 + LONGEST_PAUSE, 10)

    @pytest.mark.parametrize("end", ["forget", "forget all", "end_attempt"])
    def test_the_attempt_of_a_document_that_is_forgotten_keeps_nobody_from_theirs(self, end: str) -> None:
        outages = Outages()
        for address in "ab":
            outages.failed(key(address), DOWN, 1, 100)
        assert outages.may_try(key("a"), 110, 10)
        assert not outages.may_try(key("b"), 110, 10)
        if end == "forget all":
            outages.forget()
        else:
            getattr(outages, end)(key("a"))
        assert outages.may_try(key("b"), 110, 10)


class TestLog:
    def test_an_outage_is_one_warning_and_its_end_one_line(self, caplog: pytest.LogCaptureFixture) -> None:
        outages = Outages()
        for step in range(20):
            outages.failed(key("ab"[step % 2]), DOWN, step, 100.0 * step)
        assert ["WARNING"] == told(caplog)
        outages.answered(key("a"), 1901)
        assert ["WARNING"] == told(caplog)
        outages.answered(key("b"), 1901)
        outages.answered(key("b"), 1902)
        assert ["WARNING", "INFO"] == told(caplog)

    def test_the_next_outage_is_told_anew(self, caplog: pytest.LogCaptureFixture) -> None:
        outages = Outages()
        for now in (100, 200):
            outages.failed(key(), DOWN, now, now)
            outages.answered(key(), now + 1)
        assert ["WARNING", "INFO"] * 2 == told(caplog)

    def test_each_link_has_its_own_outage(self, caplog: pytest.LogCaptureFixture) -> None:
        outages = Outages()
        for resolver in ("one", "two"):
            outages.failed(key(resolver=resolver), DOWN, 1, 100)
        outages.answered(key(resolver="one"), 101)
        assert ["one", "two", "one"] == [record.getMessage().split(":")[0] for record in caplog.records]
        assert ["WARNING", "WARNING", "INFO"] == told(caplog)

    def test_a_document_that_is_read_no_more_does_not_hold_up_the_end(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        outages = Outages()
        outages.failed(key("unread"), DOWN, 1, 100)
        outages.failed(key("read"), DOWN, 2, 100)
        outages.answered(key("read"), 110)
        assert ["WARNING"] == told(caplog)
        outages.answered(key("read"), 300)
        assert ["WARNING", "INFO"] == told(caplog)

    def test_a_tls_failure_does_not_promise_stale_values(self, caplog: pytest.LogCaptureFixture) -> None:
        Outages().failed(key(), BackendUnavailable(reason=Reason.TLS), 1, 100)
        assert "until their ttl only" in caplog.text
        assert "max_stale" not in caplog.text


def test_in_a_child_the_attempt_of_the_parent_is_not_waited_for() -> None:
    outages = Outages()
    outages.failed(key(), DOWN, 1, 100)
    assert outages.may_try(key(), 110, 1000)
    assert not outages.may_try(key(), 110, 1000)
    outages._in_child()
    assert outages.may_try(key(), 110, 1000)
