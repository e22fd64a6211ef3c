"""Rotation under load: short runs of what `make rotation` does, and a page that shows what it prints."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from bench.rotation import _places
from bench.rotation.__main__ import COLUMNS, HEADING, STYLES, main, row, tried
from bench.rotation._load import ARequest, Load, Outcome, Request, run
from secretsource import Store
from tests.servers.openbao import OpenBao

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "rotation-under-load.md"
SHORT = Load(threads=4, coroutines=20, seconds=3.5, every=1.0)


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao() as server:
        yield server


@pytest.fixture
def quiet() -> Iterator[None]:
    """Pools tell of each login that fails."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(before)


@pytest.mark.slow
@pytest.mark.timed  # there are three rotations in the seconds that it lasts
@pytest.mark.parametrize("style", STYLES)
def test_no_request_fails_while_the_password_is_rotated(style: str, bao: OpenBao) -> None:
    outcome = tried(style, bao, SHORT, ours=True)
    assert ({}, 3) == (dict(outcome.failed), outcome.rotations)
    assert outcome.requests > 100


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # drivers that cannot connect leave things behind
@pytest.mark.parametrize("style", ["Redis, one user", "HTTP, one key"])
@pytest.mark.usefixtures("quiet")
def test_with_a_password_that_is_read_once_requests_fail(style: str, bao: OpenBao) -> None:
    assert tried(style, bao, SHORT, ours=False).failed.total() > 3


@contextmanager
def client() -> Iterator[Request]:
    yield lambda: None


@contextmanager
def broken_client() -> Iterator[Request]:
    def request() -> None:
        raise PermissionError

    yield request


@asynccontextmanager
async def async_client() -> AsyncIterator[ARequest]:
    async def request() -> None:
        return None

    yield request


@asynccontextmanager
async def broken_async_client() -> AsyncIterator[ARequest]:
    async def request() -> None:
        raise LookupError

    yield request


def test_every_request_is_counted_and_every_exception_is_a_failure() -> None:
    load = Load(threads=2, coroutines=4, seconds=0.4, every=0.15)
    rotations: list[int] = []
    outcome = run(
        load,
        [client, broken_client],
        [async_client, broken_async_client],
        lambda: rotations.append(1),
    )
    assert {"PermissionError", "LookupError"} == set(outcome.failed)
    assert 0 < outcome.failed.total() < outcome.requests
    assert len(rotations) == outcome.rotations == 2


def test_what_cannot_begin_is_told() -> None:
    @asynccontextmanager
    async def never() -> AsyncIterator[ARequest]:
        raise OSError("no such server")
        yield

    with pytest.raises(OSError, match="no such server"):
        run(Load(threads=1, coroutines=1, seconds=5), [client], [never], lambda: None)


def test_who_logs_in_between_the_steps_of_a_rotation_has_the_old_password(bao: OpenBao) -> None:
    class Place:
        def __init__(self) -> None:
            self.stores: list[Store] = []
            self.passwords: list[str] = []

        def set_password(self, user: str, password: str) -> None:
            self.passwords.append(password)
            for store in self.stores:
                assert self.passwords[-2] == store.get(_places.PASSWORD, refresh=True).value

    place = Place()
    with _places.rotation(place, bao, alternating=False) as rotation:
        place.stores.append(rotation.store)
        rotation.rotate()
        assert place.passwords[-1] == rotation.store.get(_places.PASSWORD, refresh=True).value


def test_alternating_users_take_turns(bao: OpenBao) -> None:
    class Place:
        def set_password(self, user: str, password: str) -> None:
            pass

    with _places.rotation(Place(), bao, alternating=True) as rotation:
        users = []
        for _ in range(3):
            rotation.rotate()
            users.append(str(rotation.store.get(_places.USER, refresh=True).value))
    assert ["shop_a", "shop_b", "shop_a"] == users


def test_a_row_of_the_table_has_all_its_columns() -> None:
    assert len(COLUMNS) == len(row("HTTP", Outcome(), Outcome()))


def test_it_prints_the_table_and_says_whether_a_request_failed(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.root.manager.disable
    try:
        status = main(["--seconds", "1.2", "--every", "0.5", "--only", "HTTP, two"])
    finally:
        logging.disable(before)
    printed = capsys.readouterr().out
    assert 0 == status
    assert "HTTP, two keys at a time: none failed; read once: " in printed


def test_the_page_shows_every_style_at_full_length_and_no_failure() -> None:
    lines = PAGE.read_text(encoding="utf-8").split(HEADING, 1)[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert COLUMNS == rows[0]
    assert list(STYLES) == [each[0] for each in rows[2:]]
    for style, rotations, requests, failed, _, _, once in rows[2:]:
        assert ("11", "0") == (rotations, failed), style
        assert int(requests.replace(",", "")) > 10_000, style
        assert int(once.replace(",", "")) > 100, style
    assert re.search(r"for 60 s\. Every 5 s", PAGE.read_text(encoding="utf-8"))
