"""Whether a thread reads in the middle of a change of its own: in a signal handler, or when garbage is collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

__all__ = ["is_held_here"]


def is_held_here(lock: threading.RLock) -> bool:
    """Whether this thread holds *lock*.

    It may take a re-entrant lock once more. But other threads wait for it, and it must not wait for them.
    """
    return bool(lock._is_owned())  # type: ignore[attr-defined]  # `threading.Condition` asks its lock so, too
