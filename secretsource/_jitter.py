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


def spread(number: int, share: float) -> float:
    """Return a factor between ``1 - share`` and ``1 + share``.

    Args:
        number: What it is for. The same number gives the same factor for the life of a process, so that nothing has to
            be kept, and another one in every other process.
        share: How far the factor may be from 1, from 0 to 1.
    """
    place = hash((_seed.value, number)) % _STEPS / (_STEPS - 1)
    return 1 + share * (2 * place - 1)
