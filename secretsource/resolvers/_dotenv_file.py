"""One ``.env`` file: whether it may be trusted, and the values it holds."""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import time
from collections.abc import Mapping
from types import MappingProxyType

from secretsource._record import Record
from secretsource._reference import shown
from secretsource._secret import MaskedStr
from secretsource.errors import AccessDenied, ConfigError, InvalidResponse
from secretsource.resolvers._file import read_file
from secretsource.resolvers._trust import why_not_trusted

__all__ = ["MAX_BLANKS", "MAX_BYTES", "MAX_LINES", "DotenvFile", "Parsed", "has_many_blanks"]

MAX_LINES = 10_000
MAX_BYTES = 1024 * 1024
MAX_BLANKS = 256  # python-dotenv's time grows with the square of them
_BLANKS = re.compile(r"[^\S\r\n]+")
_BYTE_ORDER_MARK = "\ufeff"
_SETTLING = 2_000_000_000  # nanoseconds


class Parsed(Record, kw_only=False):
    """What a file holds.

    Attributes:
        values: The values by variable; a variable without ``=`` is not among them.
        broken_lines: The numbers of the lines that could not be read.
    """

    values: Mapping[str, MaskedStr]
    broken_lines: tuple[int, ...] = ()


_NOTHING = Parsed(MappingProxyType({}))


class DotenvFile:
    """A file that is parsed when it has changed, and looked at with one ``stat`` otherwise.

    It is taken as it stands: no interpolation, nothing is written to ``os.environ``.
    """

    def __init__(self, path: str, *, named: bool) -> None:
        """Remember the path; nothing is read yet.

        Args:
            path: The file.
            named: Whether somebody said that this file is to be read; one that was found is trusted less.
        """
        self.path = path
        self._named = named
        self._known: tuple[tuple[int, ...], Parsed] | None = None

    def check(self) -> None:
        """Find out whether the file, if there is one, may be trusted and is readable text.

        That it may not be read is no matter before a reader wants it: its link's policy decides then.

        Raises:
            ConfigError: It may not be trusted, or is no such text; the message says what to do.
        """
        with contextlib.suppress(AccessDenied):
            self._text()
            if os.path.exists(self.path) and os.stat(self.path).st_mode & stat.S_IWGRP:
                import logging  # slow to import, and what may be written by its group is rare

                logging.getLogger("secretsource").warning("%s may be written by its group", shown(self.path))

    def parsed(self) -> Parsed:
        """Return what the file holds now; nothing if there is no file.

        Raises:
            ConfigError: The file is world-writable, not UTF-8 text, too large or no regular file.
            AccessDenied: It may not be read.
        """
        try:
            status = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return _NOTHING
        except OSError:
            status = None  # reading it says why
        known, stamp = self._known, _stamp(status)
        if known is not None and known[0] == stamp:
            return known[1]
        text = self._text()
        parsed = _NOTHING if text is None else _parse(text)
        self._known = (stamp, parsed) if _settled(status) else None
        return parsed

    def _text(self) -> str | None:
        problem = ""
        try:
            found = read_file(self.path, limit=MAX_BYTES)
        except InvalidResponse as error:
            found, problem = None, error.detail
        if problem:
            raise ConfigError(f"the .env file {problem}")
        if found is None:
            return None
        content, status = found
        if doubt := why_not_trusted(self.path, status, named=self._named):
            raise ConfigError(doubt)
        if max(content.count(b"\n"), content.count(b"\r")) > MAX_LINES:
            raise ConfigError(
                f"{self.path} has more than {MAX_LINES:,} lines; split it, or keep data elsewhere"
            )
        text = _decoded(content)
        if text is None:
            raise ConfigError(f"{self.path} is not UTF-8 text; save it in that encoding")
        if has_many_blanks(text):
            raise ConfigError(f"{self.path} has more than {MAX_BLANKS} blanks in a row; take them out")
        return text


def has_many_blanks(text: str) -> bool:
    """Whether *text* has more blanks in a row than are read."""
    return any(len(blanks[0]) > MAX_BLANKS for blanks in _BLANKS.finditer(text))


def _stamp(status: os.stat_result | None) -> tuple[int, ...]:
    if status is None:
        return ()
    return (
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
        status.st_ino,
        status.st_dev,
        status.st_mode,
    )


def _settled(status: os.stat_result | None) -> bool:
    """Whether a later edit will show in the stamp: file systems tell times apart by milliseconds, some by seconds."""
    return status is not None and time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLING


def _decoded(content: bytes) -> str | None:
    """Return the text; `None` if it is none: not UTF-8, or with null characters, as UTF-16 has them."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if text.startswith(_BYTE_ORDER_MARK):
        text = text[1:]  # a slice, because that is masked too
    return None if "\0" in text else text


def _parse(text: str) -> Parsed:
    from dotenv.parser import parse_stream  # only where there is a file to read

    values: dict[str, MaskedStr] = {}
    broken: list[int] = []
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            broken.append(binding.original.line)
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = MaskedStr(binding.value)
    return Parsed(MappingProxyType(values), tuple(broken))
