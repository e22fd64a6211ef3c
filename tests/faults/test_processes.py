"""Forks, signals and the end of the interpreter."""

from __future__ import annotations

import pytest

from tests.faults.cases import Cell, cells_of
from tests.faults.conftest import Make
from tests.faults.rows.processes import PROCESSES
from tests.faults.trying import assert_as_expected, tried


@pytest.mark.parametrize("cell", cells_of(PROCESSES), ids=str)
def test_a_process_forks_is_interrupted_or_ends(cell: Cell, make_setting: Make) -> None:
    setting = make_setting(cell)
    assert_as_expected(tried(setting), setting)
