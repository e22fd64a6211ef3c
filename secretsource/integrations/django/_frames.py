"""Errors of drivers, without what their frames hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

__all__ = ["without_frames"]

T = TypeVar("T")


def without_frames(call: Callable[[], T]) -> T:
    """Return what *call* returns; what it raises loses the frames of the driver, whose locals hold the password."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - raised below
        failure = error
    _strip(failure)
    raise failure


def _strip(error: BaseException) -> None:
    seen: set[int] = set()
    rest: list[BaseException | None] = [error]
    while rest:
        each = rest.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            each.__traceback__ = None
            rest += [each.__cause__, each.__context__]
