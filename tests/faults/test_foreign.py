"""Resolvers of third parties do what they may not."""

from __future__ import annotations

import pytest

from secretsource import Document
from tests.faults.cases import Cell, cells_of
from tests.faults.conftest import Make
from tests.faults.rows.foreign import FOREIGN, Foreign
from tests.faults.trying import assert_as_expected, tried


@pytest.mark.parametrize("cell", cells_of(FOREIGN), ids=str)
def test_a_bad_resolver_is_named_and_shows_nothing(cell: Cell, make_setting: Make) -> None:
    setting = make_setting(cell)
    setting.value = setting.canary()
    foreign = Foreign(setting.value)
    foreign.act = lambda secret: Document(value=secret)
    setting.resolver = foreign
    setting.open()
    assert_as_expected(tried(setting), setting)
