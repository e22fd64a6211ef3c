"""The certificate of each backend does not verify."""

from __future__ import annotations

import pytest

from tests.faults.cases import Cell, cells_of
from tests.faults.conftest import Make
from tests.faults.rows.tls import TLS
from tests.faults.trying import assert_as_expected, tried


@pytest.mark.parametrize("cell", cells_of(TLS), ids=str)
def test_what_does_not_verify_is_loud_and_is_sent_nothing(cell: Cell, make_setting: Make) -> None:
    setting = make_setting(cell)
    setting.play()
    assert_as_expected(tried(setting), setting)
