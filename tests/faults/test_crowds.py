"""Many readers, event loops and clocks."""

from __future__ import annotations

import pytest

from tests.faults.cases import Cell, cells_of
from tests.faults.conftest import Make
from tests.faults.rows.crowds import CROWDS
from tests.faults.trying import assert_as_expected, tried

pytestmark = pytest.mark.timed


@pytest.mark.parametrize("cell", cells_of(CROWDS), ids=str)
def test_many_readers_share_what_one_needs(cell: Cell, make_setting: Make) -> None:
    setting = make_setting(cell)
    setting.play()
    assert_as_expected(tried(setting), setting)
