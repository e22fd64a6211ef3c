"""Real backends: a secret is gone, forbidden or changed, or the backend cannot serve."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.cases import Cell, cells_of
from tests.faults.conftest import Make
from tests.faults.real import Servers, enter
from tests.faults.rows.outcomes import OUTCOMES
from tests.faults.trying import assert_as_expected, tried


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    servers = Servers()
    yield servers
    servers.stop()


@pytest.mark.parametrize("cell", cells_of(OUTCOMES), ids=str)
def test_a_real_backend_is_taken_at_its_word(cell: Cell, make_setting: Make, servers: Servers) -> None:
    setting = make_setting(cell)
    enter(setting, servers, own=cell.row.id == "sealed")
    assert_as_expected(tried(setting), setting)
