"""Each backend answers with a 200 that is no answer, or with a value that is easily spoilt."""

from __future__ import annotations

import pytest

from tests.faults.cases import Cell, cells_of
from tests.faults.conftest import Make
from tests.faults.rows.answers import BROKEN, SIZES
from tests.faults.trying import assert_as_expected, tried


@pytest.mark.parametrize("cell", [*cells_of(BROKEN), *cells_of(SIZES)], ids=str)
def test_a_200_is_a_value_or_is_found_to_be_broken(cell: Cell, make_setting: Make) -> None:
    setting = make_setting(cell)
    setting.play()
    assert_as_expected(tried(setting), setting)
