"""Reading one file that holds a secret: regular files only, bounded, with errors that tell what is wrong."""

from __future__ import annotations

import errno
import io
import os
import stat
from functools import partial

from secretsource._reference import shown
from secretsource._secret import MaskedBytes, Value, text_or_bytes
from secretsource.errors import Reason, resolver_error

__all__ = ["MAX_BYTES", "file_value", "read_file"]

MAX_BYTES = 1024 * 1024

# Opening never waits and never takes a terminal over; not every system has these flags.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.ELOOP}


def read_file(
    path: str, *, limit: int = MAX_BYTES, follow: bool = True
) -> tuple[MaskedBytes, os.stat_result] | None:
    """Return the content of the regular file at *path* and its status, or `None` if there is no file.

    The content is masked, so that no frame of a traceback shows it.

    Args:
        path: The file; opening it never waits, whatever it is.
        limit: The most bytes that are accepted; a larger file is not read.
        follow: Whether the last piece of the path may be a symbolic link.

    Raises:
        AccessDenied: The file may not be read.
        InvalidResponse: It is no regular file, or larger than *limit*.
    """
    try:
        with open(path, "rb", buffering=0, opener=partial(_open, follow=follow)) as file:
            status = os.fstat(file.fileno())
            regular = stat.S_ISREG(status.st_mode)
            content = _read(file, limit + 1) if regular else MaskedBytes()
        failure = 0
    except OSError as error:
        failure = error.errno or errno.EIO
    except ValueError:  # no system has such a path: a null character
        failure = errno.EINVAL
    if failure in _ABSENT:
        return None
    if failure:
        reason = Reason.DENIED if failure in _REFUSED else Reason.BROKEN
        raise resolver_error(reason, f"{shown(path)}: {os.strerror(failure)}")
    if not regular:
        raise resolver_error(Reason.BROKEN, f"{shown(path)} is no regular file")
    if len(content) > limit:
        raise resolver_error(Reason.BROKEN, f"{shown(path)} is larger than {limit:,} bytes")
    return content, status


def _open(path: str, flags: int, *, follow: bool) -> int:
    return os.open(path, flags | _FLAGS | (0 if follow else _NO_LINK))


def _read(file: io.FileIO, most: int) -> MaskedBytes:
    """Return what the file holds, *most* bytes of it at most; one read may bring less than there is."""
    pieces: list[bytes] = []
    while most > 0 and (piece := file.read(most)):
        pieces.append(piece)
        most -= len(piece)
    return MaskedBytes(b"".join(pieces))


def file_value(content: bytes, *, exact: bool = False) -> Value:
    """Return the value that a file holds: masked text if it is UTF-8, else masked bytes.

    A file with a single line loses that line's end, which ``echo`` and editors put there; text of several lines, such
    as a PEM key, and binary content are kept to the last byte.

    Args:
        content: The bytes of the file.
        exact: Keep the line's end too.
    """
    value = text_or_bytes(content)
    if exact or isinstance(value, bytes) or content.count(b"\n") != 1 or not content.endswith(b"\n"):
        return value
    return text_or_bytes(content.removesuffix(b"\n").removesuffix(b"\r"))
