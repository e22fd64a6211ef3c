"""The backend answers with a status that is not 200: it is in trouble, is asked too often, or says no."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.faults.cases import Expected, Row, Table, each
from tests.faults.played import KINDS
from tests.faults.setting import Setting

__all__ = ["STATUSES"]

_DOWN = Expected("BackendUnavailable", "server", 3)
_STALE = Expected("stale value", asked=3)
_THROTTLED = Expected("BackendUnavailable", "throttled", 3)
_ONLY_VAULT = dict.fromkeys(("aws", "conjur"), "it is Vault that has this status")
_WAIT = 0.3  # seconds, less than the server asks for
_IN_HAND = Expected("value", asked=0)

_CODES = {401: "ExpiredTokenException", 403: "AccessDeniedException", 429: "ThrottlingException"}


def _status(status: int, headers: Mapping[str, str] | None = None, **how: Any) -> Callable[[Setting], None]:
    """Answer so from now on; what has to be hidden stands in the body."""

    def act(setting: Setting) -> None:
        backend, place, said = setting.cell.backend, setting.cell.row.place, setting.played.everything()
        sent, body = status, json.dumps({"errors": [said], "message": said})
        if backend == "aws" and status in _CODES:
            sent, body = 400, json.dumps({"__type": _CODES[status], "Message": said})
        if backend == "aws" and place == "login":
            code = _CODES.get(status, "InternalFailure").removesuffix("Exception")
            error = f"<Error><Code>{code}</Code><Message>{len(said)}</Message></Error>"
            sent, body = status, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"
        if status in {401, 403} and place == "read":
            setting.played.lets_in(times=1)
            setting.played.lets_in()  # with another token each time
        setting.server.answer(sent, headers, body, path=setting.place, **how)

    return act


def _retry_after(text: str, **how: Any) -> Callable[[Setting], None]:
    return _status(429, {"Retry-After": text}, **how)


def _in_two_seconds(setting: Setting) -> None:
    # A date has whole seconds only, so 2 of them are at least 1.
    _retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True), times=1)(setting)


_AFTER_A_SECOND = each(
    Expected("value", asked=2, least=0.9, most=3.0), Expected("stale value", asked=1, most=_WAIT + 0.5)
)

STATUSES = Table(
    "statuses",
    KINDS,
    [
        *(
            Row(f"http-{status}", f"HTTP {status}", _status(status), each(_DOWN, _STALE))
            for status in (500, 502, 503, 504)
        ),
        *(
            Row(
                f"http-{status}-login",
                f"HTTP {status} at the login",
                _status(status),
                each(_DOWN, _IN_HAND),
                place="login",
                logs_in=True,
            )
            for status in (500, 503)
        ),
        *(
            Row(
                f"http-{status}",
                f"HTTP {status}",
                _status(status),
                each(Expected("BackendUnavailable", reason, 3), _STALE, ("vault",)),
                lacks=_ONLY_VAULT,
            )
            for status, reason in ((412, "server"), (472, "sealed"), (473, "sealed"))
        ),
        Row("throttled", "throttled, for good", _status(429), each(_THROTTLED, _STALE)),
        Row(
            "retry-after-1",
            "throttled once, `Retry-After: 1`",
            _retry_after("1", times=1),
            _AFTER_A_SECOND,
            stale_wait=_WAIT,
        ),
        Row(
            "retry-after-date",
            "throttled once, `Retry-After:` a date in 1 to 2 s",
            _in_two_seconds,
            _AFTER_A_SECOND,
            stale_wait=_WAIT,
        ),
        Row(
            "retry-after-3600",
            "throttled, `Retry-After: 3600`",
            _retry_after("3600"),
            each(Expected("DeadlineExceeded", "throttled", 1, most=1.0), Expected("stale value", asked=1)),
        ),
        *(
            Row(
                f"retry-after-{what}",
                f"throttled, `Retry-After: {text}`",
                _retry_after(text),
                each(_THROTTLED, _STALE),
            )
            for what, text in (("words", "soon"), ("negative", "-1"))
        ),
        Row(
            "denied",
            "the login may not read it",
            _status(403),
            each(
                Expected("AccessDenied", "denied", 1),
                Expected("AccessDenied", "denied", 1),
                vault=dict.fromkeys(("cold", "warm"), Expected("AccessDenied", "denied", 2)),
            ),
        ),
        Row(
            "expired-token",
            "the token is refused, a new one is not",
            _status(401, times=1),
            each(Expected("value", asked=2), Expected("value", asked=2)),
        ),
        Row(
            "refused-token",
            "the token is refused, a new one too",
            _status(401),
            each(Expected("AccessDenied", "denied", 2), Expected("AccessDenied", "denied", 2)),
        ),
        Row(
            "denied-login",
            "the login is refused",
            _status(403),
            each(Expected("AccessDenied", "denied", 1), _IN_HAND),
            place="login",
            logs_in=True,
        ),
    ],
)
