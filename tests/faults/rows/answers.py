"""Answers of status 200 that are none, or are exactly what they should be."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from tests.faults.cases import Expected, Row, Table, each
from tests.faults.played import KINDS
from tests.faults.setting import Setting

__all__ = ["BROKEN", "SIZES"]

_BROKEN = Expected("InvalidResponse", "broken", 2)
_STALE = Expected("stale value", asked=2)
_VALUE = Expected("value", asked=1)
_IN_HAND = Expected("value", asked=0)
_ANY_BYTES = {"conjur": "any bytes are a fine value there"}
_NO_JSON = ("aws", "vault")
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_LIMIT = 1_048_576


def _body(make: Callable[[Setting], bytes | str], status: int = 200, **how: Any) -> Callable[[Setting], None]:
    def act(setting: Setting) -> None:
        setting.server.answer(status, body=make(setting), path=setting.place, **how)

    return act


def _good(setting: Setting) -> str:
    if setting.cell.row.place == "read":
        return setting.played.document(setting.value)
    return setting.played.everything() + " " * 100


def _page(setting: Setting) -> str:
    return f"<!DOCTYPE html><html><body>{setting.played.everything()}</body></html>"


def _cut(setting: Setting) -> str:
    return _good(setting)[:-3]


def _twice(
    id: str,
    words: str,
    act: Callable[[Setting], None],
    backends: tuple[str, ...] = KINDS,
    lacks: dict[str, str] | None = None,
) -> list[Row]:
    """Return a row for a read and one for a login; only what a read brings may be any bytes."""
    return [
        Row(id, words, act, each(_BROKEN, _STALE, backends), lacks=lacks or {}),
        Row(
            f"{id}-login",
            f"{words}, at the login",
            act,
            each(_BROKEN, _IN_HAND),
            place="login",
            logs_in=True,
        ),
    ]


BROKEN = Table(
    "broken",
    KINDS,
    [
        *_twice("empty", "an empty body", _body(lambda _: "")),
        *_twice("no-content", "HTTP 204", _body(lambda _: "", 204)),
        *_twice("html", "a page of HTML", _body(_page, headers=_HTML)),
        *_twice("object", "`{}`", _body(lambda _: "{}"), _NO_JSON, _ANY_BYTES),
        *_twice("null", "`null`", _body(lambda _: "null"), _NO_JSON, _ANY_BYTES),
        *_twice("list", "`[]`", _body(lambda _: "[]"), _NO_JSON, _ANY_BYTES),
        *_twice("malformed", "JSON without its end", _body(_cut), _NO_JSON, _ANY_BYTES),
        *_twice(
            "latin",
            "bytes that are no UTF-8",
            _body(lambda s: b"\xff\xfe" + _good(s).encode()),
            _NO_JSON,
            _ANY_BYTES,
        ),
        *_twice("short", "less than its `Content-Length`", _body(_good, truncate_to=20)),
        *_twice(
            "cut-chunk",
            "a chunk that is cut",
            _body(_good, headers={"Transfer-Encoding": "chunked"}, truncate_to=30),
        ),
    ],
)


def _valued(text: str) -> Callable[[Setting], None]:
    def act(setting: Setting) -> None:
        setting.value = text
        setting.played.answers(setting.played.document(setting.value))

    return act


def _binary(setting: Setting) -> None:
    setting.value = bytes(range(256))
    if setting.cell.backend == "conjur":
        setting.played.answers(setting.value)
        return
    setting.name = "app"  # bytes are a whole secret
    encoded = base64.b64encode(setting.value).decode()
    setting.played.answers(json.dumps({"Name": "app", "SecretBinary": encoded, "VersionId": "b" * 32}))


def _sized(size: int) -> Callable[[Setting], None]:
    """Let the value have so many bytes; of AWS's, the JSON around it counts."""

    def act(setting: Setting) -> None:
        around = len(json.dumps({"key": ""})) if setting.cell.backend == "aws" else 0
        text = "x" * (size - around)
        if size <= _LIMIT:
            setting.value = text
        setting.played.answers(setting.played.document(text))

    return act


def _endless(setting: Setting) -> None:
    setting.server.answer(headers={"Content-Length": str(10**10)}, body=b"x" * 3_000_000, path=setting.place)


SIZES = Table(
    "sizes",
    KINDS,
    [
        *(
            Row(id, words, _sized(size), each(_VALUE, _VALUE))
            for id, words, size in (
                ("64-kib", "a value of 64 KiB", 65_536),
                ("64-kib-1", "a value of 64 KiB and a byte", 65_537),
                ("1-mib", "a value of 1 MiB, the limit", _LIMIT),
            )
        ),
        Row("1-mib-1", "a value of 1 MiB and a byte", _sized(_LIMIT + 1), each(_BROKEN, _STALE)),
        Row("endless", "a body of 10 GB that never ends", _endless, each(_BROKEN, _STALE)),
        *(
            Row(f"text-{id}", words, _valued(text), each(_VALUE, _VALUE))
            for id, words, text in (
                ("space", "spaces around a value", "  \t x \t "),
                ("newline", "a newline at its end", "x\n"),
                ("json", "a value that is JSON", json.dumps({"a": [1, None]})),
                ("unicode", "a value outside of ASCII", "zażółć e\u0301 🗝"),
            )
        ),
        Row(
            "bytes",
            "a value of all 256 bytes",
            _binary,
            each(_VALUE, _VALUE, ("aws", "conjur")),
            lacks={"vault": "Vault holds JSON, which has no bytes"},
        ),
        Row(
            "text-empty",
            "an empty value",
            _valued(""),
            each(_VALUE, _VALUE, _NO_JSON),
            lacks={"conjur": "Conjur holds no empty values: a body without one is broken"},
        ),
    ],
)
