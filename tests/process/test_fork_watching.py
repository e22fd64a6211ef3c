"""Callbacks for rotations over a fork."""

from __future__ import annotations

from tests.process.run import run_program


def test_parent_and_child_are_each_told_of_what_they_see_themselves() -> None:
    said = run_program("fork_watching", {}, {}, seconds=40)
    assert {"child": {"first to the child's": 1}, "parent": {"first to the parent's": 1}} == said
