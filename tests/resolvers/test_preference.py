"""Which of several is asked first."""

from __future__ import annotations

import pytest

from secretsource.resolvers._preference import Preference
from tests.fakes import FakeClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr("secretsource._clock.now", clock)
    return clock


@pytest.fixture
def preference(clock: FakeClock) -> Preference[str]:
    return Preference(["first", "second", "third"], again=30.0)


def _answered_by(preference: Preference[str], member: str) -> bool:
    return preference.note(member, preference.turn())


def test_the_first_is_asked_first(preference: Preference[str]) -> None:
    assert (["first", "second", "third"], False) == preference.turn()


def test_the_one_that_answered_is_asked_first_from_then_on(preference: Preference[str]) -> None:
    assert _answered_by(preference, "second")
    assert (["second", "first", "third"], False) == preference.turn()


def test_an_answer_from_where_it_was_expected_is_no_change(preference: Preference[str]) -> None:
    assert not _answered_by(preference, "first")
    _answered_by(preference, "second")
    assert not _answered_by(preference, "second")


def test_after_a_while_one_request_looks_for_the_first(preference: Preference[str], clock: FakeClock) -> None:
    _answered_by(preference, "second")
    clock.now += 30
    assert [True, False] == [preference.turn().looks for _ in range(2)]
    assert "second" == preference.turn().members[0]


def test_a_look_that_finds_the_first_prefers_it(preference: Preference[str], clock: FakeClock) -> None:
    _answered_by(preference, "second")
    clock.now += 30
    assert _answered_by(preference, "first")
    assert (["first", "second", "third"], False) == preference.turn()


def test_a_request_that_may_not_look_leaves_that_to_the_next(
    preference: Preference[str], clock: FakeClock
) -> None:
    _answered_by(preference, "second")
    clock.now += 30
    assert [False, True] == [preference.turn(may_look=may).looks for may in (False, True)]


def test_a_third_one_does_not_put_off_the_look(preference: Preference[str], clock: FakeClock) -> None:
    _answered_by(preference, "second")
    clock.now += 20
    assert _answered_by(preference, "third")
    clock.now += 10
    assert preference.turn().looks


def test_a_late_answer_does_not_undo_what_others_found(preference: Preference[str], clock: FakeClock) -> None:
    _answered_by(preference, "second")
    late = preference.turn()
    clock.now += 30
    _answered_by(preference, "first")
    assert not preference.note("second", late)
    assert "first" == preference.turn().members[0]
