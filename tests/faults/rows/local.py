"""Local places: the environment, ``.env`` files, mounted files, and what can be wrong with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tests.faults.cases import Expected, Row, Seen, Table, each
from tests.faults.setting import Setting

__all__ = ["LOCAL"]

_PLACES = ("env", "dotenv", "files")
_BROKEN = Expected("InvalidResponse", "broken")
_DENIED = Expected("AccessDenied", "denied")
_VALUE = Expected("value")
_MISSING = Expected("SecretNotFound", "missing")
_LIMIT = 1_048_576


def _bytes(make: Callable[[str], bytes]) -> Callable[[Setting], None]:
    """Write *make* of the value in the place of what was there; nothing of it may be seen."""

    def act(setting: Setting) -> None:
        setting.file.write_bytes(make(setting.canary()))

    return act


def _value(make: Callable[[], str]) -> Callable[[Setting], None]:
    def act(setting: Setting) -> None:
        setting.value = make()
        setting.write(setting.value)

    return act


def _pipe(setting: Setting) -> None:
    setting.file.unlink()
    os.mkfifo(setting.file)


def _folder(setting: Setting) -> None:
    setting.file.unlink()
    setting.file.mkdir()


def _link(setting: Setting) -> None:
    setting.file.unlink()
    outside = setting.folder / "outside"
    outside.write_text(setting.canary())
    setting.file.symlink_to(outside)


def _gone(setting: Setting) -> None:
    setting.file.unlink()


def _everybody_writes(setting: Setting) -> None:
    setting.file.chmod(0o666)


def _edited(setting: Setting) -> Seen:
    """Read the new value not later than 1.3 s after the file has changed."""
    setting.store.get(setting.name)
    setting.value = setting.canary()
    setting.write(setting.value)
    setting.clock.advance(1.3)
    return setting.read()


def _row(id: str, words: str, act: Callable[[Setting], Seen | None], **more: Any) -> Row:
    return Row(id, words, act, starts="local", place="nothing", **more)


_CONFIG = Expected("ConfigError")
_STALE = Expected("stale value")
_REFUSED = dict.fromkeys(("cold", "warm"), _CONFIG)
_ANY_BYTES = dict.fromkeys(("env", "files"), "any bytes are a fine value there")

LOCAL = Table(
    "local",
    _PLACES,
    [
        _row("gone", "the file is gone", _gone, expected=each(_MISSING, _MISSING, _PLACES)),
        _row("folder", "a folder in its place", _folder, expected=each(_MISSING, _MISSING, _PLACES)),
        _row(
            "pipe",
            "a pipe that nobody writes to",
            _pipe,
            expected=each(_BROKEN, _STALE, _PLACES, dotenv=_REFUSED),
        ),
        _row(
            "unreadable",
            "a file that the process may not read",
            lambda setting: setting.file.chmod(0),
            expected=each(_DENIED, _DENIED, _PLACES),
        ),
        _row(
            "link",
            "a link that leaves the folder",
            _link,
            expected=each(_DENIED, _DENIED, ("files",)),
            lacks={
                "env": "it is the variable that says where",
                "dotenv": "links are followed; the file is checked",
            },
        ),
        _row(
            "everybody",
            "everybody may write to the file",
            _everybody_writes,
            expected=each(_CONFIG, _CONFIG, ("dotenv",)),
            lacks=dict.fromkeys(("env", "files"), "who mounts them says who may write"),
        ),
        *(
            _row(
                id,
                words,
                _bytes(make),
                expected=each(_CONFIG, _CONFIG, ("dotenv",)),
                lacks=_ANY_BYTES,
            )
            for id, words, make in (
                ("latin", "bytes that are no UTF-8", lambda text: b"APP_KEY=" + text.encode() + b"\xff\xfe"),
                ("utf-16", "UTF-16", lambda text: f"APP_KEY={text}".encode("utf-16")),
                ("nul", "a NUL in it", lambda text: b"APP_KEY=" + text.encode() + b"\0"),
            )
        ),
        _row(
            "large",
            "more than 1 MiB",
            _bytes(lambda text: b"APP_KEY=" + text.encode() * 40_000),
            expected=each(_BROKEN, _STALE, _PLACES, dotenv=_REFUSED),
        ),
        _row(
            "1-mib",
            "1 MiB, the limit",
            _value(lambda: "x" * _LIMIT),
            expected=each(_VALUE, _VALUE, ("env", "files")),
            lacks={"dotenv": "1 MiB is the limit of the whole file"},
        ),
        _row("empty", "an empty value", _value(str), expected=each(_VALUE, _VALUE, _PLACES)),
        _row(
            "spaces",
            "spaces around a value",
            _value(lambda: "  x \t "),
            expected=each(_VALUE, _VALUE, _PLACES),
        ),
        _row("edited", "the file is edited, 1.3 s before", _edited, expected=each(_VALUE, None, _PLACES)),
    ],
)
