"""Whether a file that was found, and not named by anybody, may be trusted."""

from __future__ import annotations

import contextlib
import os
import stat

from secretsource._reference import shown

__all__ = ["why_not_trusted"]


def why_not_trusted(path: str, status: os.stat_result, *, named: bool) -> str:
    """Return why the file may not be trusted and what to do, or an empty text if it may.

    A file that everybody may write is never trusted. One that was found, in the working directory or above it, must
    belong to this process's user, to root, or to whoever owns the working directory, and so decides about it anyway.

    Args:
        path: The file.
        status: Its status, of the file that was opened.
        named: Whether somebody said that this file is to be read.
    """
    if os.name != "posix":
        return ""
    if status.st_mode & stat.S_IWOTH:
        return f"{shown(path)} is writable by everybody, so what it holds may be anybody's: chmod o-w it"
    if not named and status.st_uid not in _trusted_users():
        return f"{shown(path)} belongs to another user (id {status.st_uid}): chown it, or name it as the file to read"
    return ""


def _trusted_users() -> set[int]:
    users = {0, os.geteuid()}
    with contextlib.suppress(OSError):  # the working directory has been removed
        users.add(os.stat(os.curdir).st_uid)
    return users
