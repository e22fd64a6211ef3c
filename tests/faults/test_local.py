"""Local places are broken, and nothing of what is in them is shown."""

from __future__ import annotations

import pytest

from tests.faults.cases import Cell, cells_of
from tests.faults.conftest import Make
from tests.faults.places import enter_place
from tests.faults.rows.local import LOCAL
from tests.faults.trying import assert_as_expected, tried


@pytest.mark.parametrize("cell", cells_of(LOCAL), ids=str)
def test_a_local_place_is_broken(cell: Cell, make_setting: Make) -> None:
    setting = make_setting(cell)
    enter_place(setting)
    assert_as_expected(tried(setting), setting)
