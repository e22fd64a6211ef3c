"""How long: what the integrations take for a number of seconds, all alike."""

from __future__ import annotations

import sys

__all__ = ["check_seconds"]


def check_seconds(argument: str, seconds: object) -> None:
    """Check that *seconds*, which was given as *argument*, is a number, 0 or more, and comes to an end.

    Raises:
        ValueError: It is not.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not _is_finite(seconds):
        raise ValueError(f"{argument} must be 0 seconds or more, and finite, not {seconds!r}")


def _is_finite(seconds: float) -> bool:
    return 0 <= seconds <= sys.float_info.max
