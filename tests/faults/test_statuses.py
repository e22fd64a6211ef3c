"""Each backend answers with a status that is not 200."""

from __future__ import annotations

import pytest

from tests.faults.cases import Cell, cells_of
from tests.faults.conftest import Make
from tests.faults.rows.statuses import STATUSES
from tests.faults.trying import assert_as_expected, tried


@pytest.mark.parametrize("cell", cells_of(STATUSES), ids=str)
def test_every_status_has_its_outcome(cell: Cell, make_setting: Make) -> None:
    setting = make_setting(cell)
    setting.play()
    assert_as_expected(tried(setting), setting)
