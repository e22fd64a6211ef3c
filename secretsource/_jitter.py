"""A little chance, so that many processes do not do the same thing at the same moment."""

from __future__ import annotations

import os
from typing import Final

from secretsource._fork import reset_in_child

__all__ = ["spread"]

_STEPS: Final = 1 << 16


class _Seed:
    """A number that differs between processes, also between those that were forked from one."""

    def __init__(self) -> None:
        self._renew()
        reset_in_child(self._renew)

    def _renew(self) -> None:
        self.value = int.from_bytes(os.urandom(8), "big")


_seed: Final = _Seed()


def spread(number: int) -> float:
    """Return a number between -1 and 1 for *number*.

    It is the same for the life of a process, so that nothing has to be kept, and another one in every other process.
    """
    return 2 * (hash((_seed.value, number)) % _STEPS / (_STEPS - 1)) - 1
