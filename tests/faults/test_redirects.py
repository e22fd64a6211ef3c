"""Each backend sends us to another host."""

from __future__ import annotations

import pytest

from tests.faults.cases import Cell, cells_of
from tests.faults.conftest import Make
from tests.faults.rows.redirects import REDIRECTS
from tests.faults.trying import assert_as_expected, tried


@pytest.mark.parametrize("cell", cells_of(REDIRECTS), ids=str)
def test_no_other_host_is_asked(cell: Cell, make_setting: Make) -> None:
    setting = make_setting(cell)
    setting.play()
    assert_as_expected(tried(setting), setting)
