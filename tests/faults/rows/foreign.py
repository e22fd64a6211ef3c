"""Resolvers of third parties that do what they may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secretsource.resolvers import Deadline, Location
from tests.faults.cases import Expected, Row, Table
from tests.faults.setting import Setting

__all__ = ["FOREIGN"]

_ANY = ("any",)
_WRONG = Expected("ResolverError", "broken")


class Foreign:
    """Does what it is told, with a secret in its frames."""

    name = "foreign"

    def __init__(self, secret: Any) -> None:
        self._secret = secret
        self.act: Callable[[Any], object] = lambda secret: None

    def locate(self, name: str, *, document: bool = False) -> Location:
        return Location(address=name, document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Any:
        held = str(self._secret)
        return self.act(held)

    def __repr__(self) -> str:
        return "Foreign()"


def _raising(kind: type[BaseException]) -> Callable[[Any], object]:
    def act(secret: Any) -> object:
        raise kind(secret)

    return act


def _chained(secret: Any) -> object:
    try:
        raise ValueError(secret)
    except ValueError as error:
        raise RuntimeError(secret) from error


def _told(act: Callable[[Any], object]) -> Callable[[Setting], None]:
    def start(setting: Setting) -> None:
        setting.resolver.act = act  # type: ignore[attr-defined]  # these rows have a resolver of their own

    return start


def _row(id: str, words: str, act: Callable[[Any], object]) -> Row:
    expected = {"any": {"cold": _WRONG, "warm": _WRONG}}
    return Row(id, words, _told(act), expected, starts="foreign", place="nothing")


FOREIGN = Table(
    "foreign",
    _ANY,
    [
        _row("raises", "it raises any exception, with a secret in its text", _raising(RuntimeError)),
        _row("raises-chained", "one exception because of another", _chained),
        _row("system-exit", "`SystemExit`", _raising(SystemExit)),
        _row(
            "keyboard-interrupt", "`KeyboardInterrupt`, on a thread of the store", _raising(KeyboardInterrupt)
        ),
        _row("base-exception", "a `BaseException` of its own", _raising(GeneratorExit)),
        _row("memory", "`MemoryError`", _raising(MemoryError)),
        _row("text", "it returns a text and no document", lambda secret: secret),
        _row("mapping", "it returns a mapping", lambda secret: {"key": secret}),
        _row("false", "it returns `False`", lambda secret: False),
    ],
)
