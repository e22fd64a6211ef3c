"""Taking a driver's frames from its exceptions: their locals hold the password, for whoever prints locals."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["bared"]


class bared:  # noqa: N801 - used like a function
    """Let an exception leave the ``with`` block without the frames that it came through in there.

    So do the exceptions behind it. What was being handled when the block began is the application's, and stays whole.
    """

    __slots__ = ("_handled",)

    def __enter__(self) -> None:
        """Remember what was being handled."""
        self._handled = sys.exception()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the frames away."""
        left = [error]
        seen = {id(None), id(self._handled)}
        while left:
            each = left.pop()
            if each is None or id(each) in seen:
                continue
            seen.add(id(each))
            each.__traceback__ = None
            left += [each.__cause__, each.__context__]
            if isinstance(each, BaseExceptionGroup):
                left += each.exceptions
