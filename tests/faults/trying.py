"""Trying one cell: what a reader gets, how often the backend is asked, and all that somebody could see of it."""

from __future__ import annotations

import logging
from typing import Any

from click.testing import CliRunner

import secretsource.cli._options
from secretsource import Store
from secretsource.cli import commands
from tests.faults.cases import Seen
from tests.faults.record import noted
from tests.faults.setting import Setting
from tests.faults.visible import logged, shown

__all__ = ["assert_as_expected", "tried"]


def tried(setting: Setting) -> Seen:
    """Let the fault happen, read, and look at all that is visible; return what was seen."""
    cell = setting.cell
    with logged() as records:
        if cell.state == "warm":
            setting.warm()
        if cell.row.starts == "played":
            setting.forget()
        acted = cell.row.act(setting)
        seen = setting.read() if acted is None else acted
        if acted is None:
            seen.asked = setting.count()
        texts = [] if seen.outcome in {"value", "stale value"} or cell.way == "async" else _commands(setting)
    texts += shown(seen.error, records)
    texts += [repr(setting.store), repr(setting.resolver)] if hasattr(setting, "store") else []
    leaked = sorted({what for text in texts for what in setting.canaries.seen_in(text)})
    other = vars(setting).get("other")
    sent = [] if other is None else other.requests
    elsewhere = sorted({what for request in sent for what in setting.canaries.seen_in(str(request))})
    setting.note = noted(
        cell, seen, texts=len(texts), characters=sum(map(len, texts)), leaked=len(leaked) + len(elsewhere)
    )
    assert [] == leaked, "all that is visible of it shows a secret"
    assert [] == elsewhere, "another host was sent a secret"
    assert other is None or other.connections == 0, "another host was asked"
    assert _warnings(records, seen, cell.row.stale_wait), "an old value was served without a warning"
    return seen


def assert_as_expected(seen: Seen, setting: Setting) -> None:
    """Compare what was seen with what the row says."""
    expected = setting.cell.expected
    assert (expected.outcome, expected.reason) == (seen.outcome, seen.reason), seen.error
    assert expected.asked in {None, seen.asked}, f"asked {seen.asked} times"
    assert expected.least <= seen.seconds <= expected.most, f"it took {seen.seconds:.1f} s"
    if seen.error is not None:
        assert (None, None) == (seen.error.__cause__, seen.error.__context__)


def _warnings(records: list[logging.LogRecord], seen: Seen, wait: float) -> bool:
    """Whether an old value was served with a warning; of a backend that is late, it comes when that has failed."""
    ours = [each for each in records if each.name == "secretsource" and each.levelno == logging.WARNING]
    return bool(ours) or seen.outcome != "stale value" or seen.seconds >= wait


def _commands(setting: Setting) -> list[str]:
    """Run the commands against the same fault, and return what they print."""
    if not setting.cell.row.commands or not hasattr(setting, "store"):
        return []

    def configure(*_: object, **__: object) -> Any:
        return Store([setting.resolver], timeout=setting.cell.row.timeout)

    with setting.monkeypatch.context() as patched:
        patched.setattr(secretsource.cli._options, "configure", configure)
        printed = []
        for command in ("get", "explain"):
            result = CliRunner().invoke(commands, [command, setting.name])
            assert result.exit_code != 0, f"{command} succeeds although a read fails"
            printed += [result.output, repr(result)]
    return printed
