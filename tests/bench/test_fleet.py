"""The simulated fleet: small ones come to what one can work out by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from bench._fleet_model import AGENTS, AHEAD, KEPT, OURS, Fleet, Load, simulate
from bench.fleet import main, mean, peak, phases, tables
from secretsource import _jitter
from secretsource._refusals import RENEWAL_PAUSE
from secretsource.resolvers._retry import ATTEMPTS

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "fleet.md"

# Reads come without a pause, all processes start at once, and nothing goes wrong.
CALM = Fleet(
    processes=10,
    hosts=2,
    names=3,
    start_within=0.0,
    read_every=1e-6,
    down_from=9000.0,
    down_until=9000.0,
    rotated_at=9000.0,
    ends_at=1000.0,
)


def seconds_with_calls(load: Load) -> list[int]:
    return [second for second, calls in enumerate(load.calls) if calls]


def test_a_process_asks_once_for_each_name_when_it_starts() -> None:
    load = simulate(OURS, CALM)

    assert (10, 3 * 10) == (load.starts[0], load.calls[0])
    assert {"Vault": 10, "Conjur": 10} == {name: logins[0] for name, logins in load.logins.items()}


def test_an_agent_asks_once_for_each_name_and_host() -> None:
    load = simulate(AGENTS, CALM)

    assert 3 * 2 == load.calls[0]
    assert 2 == load.logins["Vault"][0]


def test_what_is_kept_for_the_ttl_is_asked_for_each_ttl_by_all_at_once() -> None:
    load = simulate(KEPT, CALM)

    assert [0, 300, 600, 900] == seconds_with_calls(load)
    assert {30} == {load.calls[second] for second in (0, 300, 600, 900)}


def test_what_is_refreshed_ahead_is_asked_for_at_four_fifths_of_the_ttl() -> None:
    assert [0, 240, 480, 720, 960] == seconds_with_calls(simulate(AHEAD, CALM))


def test_jitter_spreads_the_first_refresh_by_a_tenth() -> None:
    load = simulate(OURS, replace(CALM, processes=200))
    first = [second for second in seconds_with_calls(load) if 0 < second < 300]

    assert 216 <= min(first) < 221
    assert 259 < max(first) <= 264
    assert 200 * 3 == sum(load.calls[second] for second in first)


def test_the_mean_is_one_call_for_each_name_and_refresh() -> None:
    load = simulate(OURS, replace(CALM, processes=100, ends_at=24_000.0))

    assert pytest.approx(100 * 3 / 240, rel=0.02) == mean(load.calls, range(12_000, 24_000))


def test_logins_are_renewed_at_two_thirds_of_their_life() -> None:
    # Conjur's tokens live for 480 s, and this fleet refreshes after 320 s.
    load = simulate(AHEAD, replace(CALM, ttl=400.0))

    assert [0, 320, 640, 960] == [second for second, logins in enumerate(load.logins["Conjur"]) if logins]
    assert [0] == [second for second, logins in enumerate(load.logins["Vault"]) if logins]


def test_in_an_outage_a_process_asks_further_and_further_apart() -> None:
    fleet = replace(CALM, processes=1, names=1, read_every=0.05, down_from=200.0, down_until=900.0)
    load = simulate(AHEAD, fleet)
    asked = [second for second in seconds_with_calls(load) if 200 <= second < 900]
    pauses = [after - before for before, after in itertools.pairwise(asked)]

    assert 240 == asked[0]
    assert {ATTEMPTS} <= {load.calls[second] for second in asked} <= {ATTEMPTS, 2 * ATTEMPTS}
    assert all(45 <= pause <= 61 for pause in pauses[6:])
    # 1 + 2 + 4 + 8 + 16 + 32 s, then up to 60 s each, all of them jittered by a fifth.
    assert 14 <= sum(load.calls[second] for second in asked) // ATTEMPTS <= 20


def test_in_an_outage_who_has_no_patience_asks_at_each_read() -> None:
    fleet = replace(CALM, processes=1, names=1, read_every=1.0, down_from=300.0, down_until=800.0)
    load = simulate(KEPT, fleet)

    assert pytest.approx(500 * ATTEMPTS, rel=0.15) == sum(load.calls[300:800])


def test_after_an_outage_all_is_asked_for_within_the_longest_pause() -> None:
    fleet = replace(CALM, processes=1, read_every=0.05, down_from=200.0, down_until=500.0)
    load = simulate(AHEAD, fleet)

    assert 3 == sum(load.calls[500:561])


def test_a_refused_value_is_asked_for_at_the_next_use() -> None:
    fleet = replace(CALM, read_every=1.0, rotated_at=600.0)
    load = simulate(OURS, fleet)

    assert list(range(10)) == sorted(load.noticed)
    assert max(load.noticed.values()) < 10


def test_without_refusals_a_rotation_is_seen_when_the_ttl_is_over() -> None:
    load = simulate(KEPT, replace(CALM, read_every=0.05, rotated_at=700.0))

    assert {200} == {round(wait) for wait in load.noticed.values()}


def test_behind_an_agent_a_refused_value_stays_wrong_for_the_ttl_of_the_agent() -> None:
    load = simulate(AGENTS, replace(CALM, rotated_at=100.0, ends_at=700.0, read_every=0.05))
    # The agents' values are of the start; who is refused after 300 s makes them ask anew.
    waits = load.noticed.values()

    assert 10 == len(waits)
    assert 200 <= min(waits)
    assert max(waits) <= 200 + RENEWAL_PAUSE + 0.5


def test_two_runs_are_the_same_and_leave_the_jitter_of_the_process_alone() -> None:
    before = _jitter._seed.value
    first, second = (simulate(OURS, replace(CALM, processes=50, read_every=5.0)) for _ in range(2))

    assert first.calls == second.calls
    assert before == _jitter._seed.value


def test_peak_and_mean_are_those_of_the_seconds_asked_for() -> None:
    assert (5, 3.0) == (peak([9, 1, 5, 9], range(1, 3)), mean([9, 1, 5, 9], range(1, 3)))


def test_the_phases_follow_one_another() -> None:
    ordered = list(phases(Fleet()).values())

    assert all(before.stop <= after.start for before, after in itertools.pairwise(ordered))


@pytest.mark.parametrize("option", ["--processes", "--hosts"])
@pytest.mark.parametrize("number", ["0", "-3", "1.5", "many"])
def test_a_fleet_of_none_is_refused(capsys: pytest.CaptureFixture[str], option: str, number: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([f"{option}={number}"])

    assert 2 == stopped.value.code
    assert f"argument {option}: {number!r} is no whole number from 1 up" in capsys.readouterr().err


def test_the_smallest_fleet_is_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--processes", "1", "--hosts", "1"])
    assert "1 processes on 1 hosts, 3 names each" in capsys.readouterr().out


@pytest.mark.slow
def test_the_page_shows_what_the_simulation_prints() -> None:
    page = PAGE.read_text(encoding="utf-8")

    for table in tables(Fleet()):
        rows = str(table).split("\n\n", 1)[1].rstrip()
        assert rows in page, table.title
