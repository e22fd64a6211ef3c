"""The network between us and the backend: nobody there, nobody who answers, nobody who answers in time."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from tests.faults.cases import Expected, Row, Table, each
from tests.faults.played import KINDS
from tests.faults.setting import Setting

__all__ = ["NETWORK"]

_T = 0.5  # seconds that a reader gives a backend that hangs
_WAIT = 0.3  # seconds that it waits with an old value in the cache
_STALE = Expected("stale value", asked=3)
_STALE_HUNG = Expected("stale value", asked=1, most=_WAIT + 0.5)
_ALREADY_IN = "a token or credentials in hand are used: no login is needed"


def _unavailable(reason: str, asked: int | None = 3) -> Expected:
    return Expected("BackendUnavailable", reason, asked)


_LATE = Expected("DeadlineExceeded", "timeout", 1, least=_T - 0.1, most=_T + 0.5)


def _answer(**how: Any) -> Callable[[Setting], None]:
    def act(setting: Setting) -> None:
        body = (
            setting.played.document(setting.value)
            if setting.cell.row.place == "read"
            else setting.played.everything()
        )
        setting.server.answer(body=body, path=setting.place, **how)

    return act


def _silent_handshake(setting: Setting) -> None:
    """Accept connections, and never speak."""
    port = setting.server.port
    setting.server.stop()
    silent = socket.create_server(("127.0.0.1", port))
    setting.ends.callback(silent.close)


NETWORK = Table(
    "network",
    KINDS,
    [
        Row(
            "refused",
            "nobody listens on the port",
            lambda setting: setting.server.stop(),
            each(_unavailable("refused", None), Expected("stale value")),
            place="nothing",
        ),
        Row(
            "dns",
            "the name of the host is unknown",
            lambda setting: setting.no_such_host(),
            each(_unavailable("dns", None), Expected("stale value")),
            host="localhost",
            place="nothing",
        ),
        Row(
            "closed",
            "the connection is closed without an answer",
            _answer(close=True),
            each(_unavailable("refused"), _STALE),
        ),
        Row(
            "closed-login",
            "the connection of a login is closed without an answer",
            _answer(close=True),
            each(_unavailable("refused"), Expected("value", asked=0)),
            place="login",
            logs_in=True,
        ),
        Row(
            "dropped",
            "a connection that was kept has been closed meanwhile",
            lambda setting: setting.server.drop_connections(),
            each(None, Expected("value", asked=1)),
        ),
        Row("hang", "no answer", _answer(delay=30), each(_LATE, _STALE_HUNG), timeout=_T, stale_wait=_WAIT),
        Row(
            "hang-login",
            "no answer to a login",
            _answer(delay=30),
            each(_LATE, Expected("value", asked=0)),
            timeout=_T,
            commands=False,
            stale_wait=_WAIT,
            place="login",
            logs_in=True,
        ),
        Row(
            "drip",
            "one byte of the answer in 0.2 s",
            _answer(drip=0.2, headers={"Content-Length": "100"}),
            each(_LATE, _STALE_HUNG),
            timeout=_T,
            commands=False,
            stale_wait=_WAIT,
        ),
        Row(
            "drip-login",
            "one byte of the answer to a login in 0.2 s",
            _answer(drip=0.2, headers={"Content-Length": "100"}),
            each(_LATE, Expected("value", asked=0)),
            timeout=_T,
            commands=False,
            stale_wait=_WAIT,
            place="login",
            logs_in=True,
        ),
        Row(
            "handshake",
            "the TLS handshake hangs",
            _silent_handshake,
            each(
                Expected("DeadlineExceeded", "timeout", None, least=_T - 0.1, most=_T + 0.5),
                Expected("stale value", most=_WAIT + 0.5),
            ),
            timeout=_T,
            commands=False,
            stale_wait=_WAIT,
            tls=True,
            place="nothing",
        ),
    ],
)
