"""Who may read a file or folder, in words."""

from __future__ import annotations

import os
import stat

__all__ = ["mode_of"]


def mode_of(status: os.stat_result) -> str:
    """Return the permissions, and whether they let everybody in; an empty text where the system has no such thing."""
    if os.name != "posix":
        return ""
    told = f"mode {stat.S_IMODE(status.st_mode):04o}"
    if status.st_mode & stat.S_IWOTH:
        return f"{told}, everybody may write it"
    return f"{told}, everybody may read it" if status.st_mode & stat.S_IROTH else told
