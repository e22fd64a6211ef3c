"""Redirects to another host, which answers well: nothing is sent there, and nothing is taken from it."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.cases import Expected, Row, Table, each
from tests.faults.played import KINDS
from tests.faults.setting import Setting

__all__ = ["REDIRECTS"]

_BROKEN = Expected("InvalidResponse", "broken", 2)


def _to_another_host(status: int) -> Callable[[Setting], None]:
    def act(setting: Setting) -> None:
        where = {"Location": f"{setting.other.url}{setting.place}"}
        setting.server.answer(status, where, setting.played.everything(), path=setting.place)
        setting.other.answer(body=setting.played.document("taken"))

    return act


REDIRECTS = Table(
    "redirects",
    KINDS,
    [
        row
        for status in (301, 302, 303, 307, 308)
        for row in (
            Row(
                f"redirect-{status}",
                f"HTTP {status}",
                _to_another_host(status),
                each(_BROKEN, Expected("stale value", asked=2)),
            ),
            Row(
                f"redirect-{status}-login",
                f"HTTP {status} at the login",
                _to_another_host(status),
                each(_BROKEN, Expected("value", asked=0)),
                place="login",
                logs_in=True,
            ),
        )
    ],
)
