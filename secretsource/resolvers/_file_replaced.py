"""Replacing a file by one with another content: whole or not at all, with its mode and owner, never through a link."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
import time
from collections.abc import Iterator

from secretsource._deadline import Deadline
from secretsource._reference import shown
from secretsource._secret import MaskedBytes
from secretsource.errors import DeadlineExceeded, Reason, resolver_error

__all__ = ["alone_in", "replace_file"]

_PRIVATE = 0o600
_PAUSE = 0.01  # seconds between looks whether the folder is free
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextlib.contextmanager
def alone_in(folder: str, deadline: Deadline) -> Iterator[None]:
    """Keep out others who write in *folder* by this function too, also those in other processes.

    Raises:
        AccessDenied: The folder may not be entered.
        DeadlineExceeded: Others did not end in time.
    """
    try:
        import fcntl
    except ImportError:  # Windows: what others write meanwhile is noticed all the same
        yield
        return
    failure = 0
    try:
        place = os.open(folder, os.O_RDONLY)
    except OSError as error:
        failure = error.errno or errno.EIO
    if failure:
        raise _error(folder, failure)
    try:
        while not _locked(fcntl, place):
            if deadline.expired:
                raise DeadlineExceeded(f"others write in {shown(folder)}")
            time.sleep(_PAUSE)
        yield
    finally:
        # Closing it alone would leave it locked as long as a child lives that another thread has forked meanwhile.
        with contextlib.suppress(OSError):
            fcntl.flock(place, fcntl.LOCK_UN)
        os.close(place)


def replace_file(path: str, content: MaskedBytes, known: os.stat_result | None) -> bool:
    """Write *content* beside the file and put it in its place; say whether that was done.

    Args:
        path: The file, no link.
        content: What it shall hold.
        known: The file's status when it was read; `None` if there was none. If it is another now, nothing is done.

    Raises:
        AccessDenied: The folder may not be written, or the file belongs to somebody else.
        BackendUnavailable: The disk is full, or the like.
    """
    failure, done, temporary = 0, False, ""
    try:
        file, temporary = tempfile.mkstemp(prefix=f"{os.path.basename(path)}.", dir=os.path.dirname(path))
        with os.fdopen(file, "wb") as opened:
            _take_over(opened.fileno(), known)
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        done = _put_in_place(temporary, path, known)
    except OSError as error:
        failure = error.errno or errno.EIO
    finally:
        if temporary and not done:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    if failure:
        raise _error(path, failure)
    if done:
        _sync(os.path.dirname(path))
    return done


def _locked(fcntl: object, place: int) -> bool:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[attr-defined]  # not on every system
    except BlockingIOError:
        return False
    except OSError:  # some file systems of networks lock no folders
        return True
    return True


def _take_over(file: int, known: os.stat_result | None) -> None:
    """Give the new file owner and mode of the old one, before it holds anything."""
    if os.name != "posix":
        return
    made = os.fstat(file)
    if known is not None and (made.st_uid, made.st_gid) != (known.st_uid, known.st_gid):
        os.fchown(file, known.st_uid, known.st_gid)
    os.fchmod(file, _PRIVATE if known is None else stat.S_IMODE(known.st_mode))


def _put_in_place(temporary: str, path: str, known: os.stat_result | None) -> bool:
    if _stamp(_status(path)) != _stamp(known):
        return False
    os.replace(temporary, path)
    return True


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _stamp(status: os.stat_result | None) -> tuple[int, ...] | None:
    if status is None:
        return None
    return status.st_ino, status.st_dev, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _sync(folder: str) -> None:
    with contextlib.suppress(OSError):  # not every system opens a folder
        place = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)


def _error(path: str, failure: int) -> Exception:
    reason = Reason.DENIED if failure in _REFUSED else Reason.SERVER
    return resolver_error(reason, f"{shown(path)} cannot be written: {os.strerror(failure)}")
