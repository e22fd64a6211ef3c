"""What stands for "not given" where `None` is a value."""

from __future__ import annotations

from typing import Final

__all__ = ["UNSET", "Unset"]


class Unset:
    """The type of `UNSET`."""

    def __repr__(self) -> str:
        """Return a name for signatures."""
        return "UNSET"


UNSET: Final = Unset()
