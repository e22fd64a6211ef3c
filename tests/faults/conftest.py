"""What the cells share: certificates, and servers that are real."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.botocore_models import parse_models_once
from tests.faults.cases import Cell
from tests.faults.played import Certificates, certificates
from tests.faults.record import record
from tests.faults.setting import Setting

__all__ = ["Make", "made_certificates", "make_setting", "parse_models_once"]

Make = Callable[[Cell], Setting]


@pytest.fixture(scope="session")
def made_certificates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Certificates]:
    return functools.cache(lambda: certificates(tmp_path_factory.mktemp("faults")))


@pytest.fixture
def make_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made_certificates: Callable[[], Certificates]
) -> Iterator[Make]:
    """Return a function that makes what a cell stands on; all of it ends with the test."""
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    made: list[Setting] = []

    def make(cell: Cell) -> Setting:
        setting = Setting(cell, monkeypatch, tmp_path, made_certificates)
        made.append(setting)
        return setting

    yield make
    for setting in made:
        setting.ends.close()
        if setting.note:
            record(setting.note)
