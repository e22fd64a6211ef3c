"""What is not pickled because it holds credentials."""

from __future__ import annotations

from typing import NoReturn, SupportsIndex

__all__ = ["NotPickled"]


class NotPickled:
    """A base class that refuses to be pickled or copied."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse.

        Raises:
            TypeError: Always.
        """
        name = type(self).__name__
        raise TypeError(f"{name} is not pickled: it holds credentials; build it from the configuration")
