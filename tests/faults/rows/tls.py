"""TLS that does not verify. With nothing in the cache it is the login that fails, else the read."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.cases import Expected, Row, Table, each
from tests.faults.played import KINDS
from tests.faults.setting import Setting

__all__ = ["TLS"]

_LOUD = Expected("BackendUnavailable", "tls", 1)


def _certificate(which: str) -> Callable[[Setting], None]:
    return lambda setting: setting.server.switch(getattr(setting.certificates(), which))


TLS = Table(
    "tls",
    KINDS,
    [
        Row(id, words, act, each(_LOUD, _LOUD), place="connections", tls=True, logs_in=True)
        for id, words, act in (
            ("unknown", "a certificate of an authority that is not trusted", _certificate("unknown")),
            ("expired", "a certificate that has expired", _certificate("expired")),
            ("other-host", "a certificate for another host", _certificate("other_host")),
            ("plain-http", "plain HTTP on the port of TLS", lambda setting: setting.server.switch(None)),
        )
    ],
)
