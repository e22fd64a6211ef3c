"""The network of each backend goes wrong."""

from __future__ import annotations

import pytest

from tests.faults.cases import Cell, cells_of
from tests.faults.conftest import Make
from tests.faults.rows.network import NETWORK
from tests.faults.trying import assert_as_expected, tried

pytestmark = pytest.mark.timed


@pytest.mark.parametrize("cell", cells_of(NETWORK), ids=str)
def test_the_network_goes_wrong(cell: Cell, make_setting: Make) -> None:
    setting = make_setting(cell)
    setting.play()
    assert_as_expected(tried(setting), setting)
