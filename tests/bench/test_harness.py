"""The arithmetic of the benchmark: rounds, medians, ratios, goals, tables."""

from __future__ import annotations

import itertools

import pytest

from bench._harness import Effort, Goal, Table, interleave, number, ratios, spread


def test_every_round_takes_one_sample_of_each() -> None:
    order: list[str] = []

    def sampler(name: str) -> float:
        order.append(name)
        return 1.0

    taken = interleave({"a": lambda: sampler("a"), "b": lambda: sampler("b")}, Effort(0.0, 5), 60)

    assert {"a": [1.0] * 5, "b": [1.0] * 5} == taken
    assert [{"a", "b"}] * 5 == [set(pair) for pair in zip(order[::2], order[1::2], strict=True)]


def test_rounds_go_on_until_the_time_is_over() -> None:
    counter = itertools.count()

    taken = interleave({"a": lambda: float(next(counter))}, Effort(1.0, 1), 0.02)

    assert len(taken["a"]) > 1


def test_a_drift_of_the_machine_does_not_change_a_ratio() -> None:
    reference = [1.0, 2.0, 4.0, 8.0]

    assert (3.0, 3.0, 3.0) == ratios([3 * each for each in reference], reference)


def test_one_slow_sample_does_not_move_the_median() -> None:
    found = spread([1.0] * 10 + [1000.0])

    assert (1.0, 1.0) == (found.median, found.high)


def test_one_sample_is_its_own_spread() -> None:
    assert (2.0, 2.0, 2.0) == spread([2.0])


@pytest.mark.parametrize(
    ("measured", "least", "word"),
    [
        (1.99, False, "ok"),
        (2.0, False, "ok"),
        (2.01, False, "MISSED"),
        (1.99, True, "MISSED"),
        (2.0, True, "ok"),
    ],
)
def test_a_goal_says_whether_it_was_reached(measured: float, least: bool, word: str) -> None:
    assert word == Goal("x", measured, 2.0, least=least).cells()[-1]


def test_a_goal_that_was_not_measured_was_not_reached() -> None:
    assert ["x", "<= 2.00", "not measured", "MISSED"] == Goal("x", None, 2.0).cells()


def test_a_table_is_plain_text_and_markdown() -> None:
    lines = str(Table("Title", ["read", "ns"], [["a", "1,000"], ["long name", "2"]])).splitlines()

    assert [
        "### Title",
        "",
        "| read      |    ns |",
        "| :-------- | ----: |",
        "| a         | 1,000 |",
        "| long name |     2 |",
    ] == lines


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.6, "12,346"),
        (12.34, "12.3"),
        (1.234, "1.23"),
        (0.0123, "0.012"),
        (0.0, "0.00"),
        (-2.5, "-2.50"),
    ],
)
def test_numbers_have_about_three_figures(value: float, text: str) -> None:
    assert text == number(value)
