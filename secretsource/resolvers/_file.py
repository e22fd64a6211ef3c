"""Reading one file that holds a secret: regular files only, bounded, with errors that tell what is wrong."""

from __future__ import annotations

import errno
import os
import stat

from secretsource._secret import Value, text_or_bytes
from secretsource.errors import Reason, resolver_error

__all__ = ["MAX_BYTES", "file_value", "read_file"]

MAX_BYTES = 1024 * 1024

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.ELOOP}


def read_file(
    path: str, *, limit: int = MAX_BYTES, follow: bool = True
) -> tuple[bytes, os.stat_result] | None:
    """Return the content of the regular file at *path* and its status, or `None` if there is no file.

    Args:
        path: The file; opening it never waits, whatever it is.
        limit: The most bytes that are accepted; a larger file is not read.
        follow: Whether the last piece of the path may be a symbolic link.

    Raises:
        AccessDenied: The file may not be read.
        InvalidResponse: It is no regular file, or larger than *limit*.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    failure = 0
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        failure = error.errno or errno.EIO
    if failure in _ABSENT:
        return None
    if failure:
        reason = Reason.DENIED if failure in _REFUSED else Reason.BROKEN
        raise resolver_error(reason, f"{path}: {os.strerror(failure)}")
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if stat.S_ISDIR(status.st_mode):
            return None
        if not stat.S_ISREG(status.st_mode):
            raise resolver_error(Reason.BROKEN, f"{path} is no regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise resolver_error(Reason.BROKEN, f"{path} is larger than {limit} bytes")
    return content, status


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
