"""One ``.env`` file: whether it may be trusted, and the values it holds."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError
from secretsource.resolvers._file import read_file

__all__ = ["DotenvFile", "Parsed"]

MAX_LINES = 10_000
MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Parsed:
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

    def __init__(self, path: str) -> None:
        """Remember the path; nothing is read yet."""
        self.path = path
        self._known: tuple[tuple[int, ...], Parsed] | None = None

    def check(self) -> None:
        """Find out whether the file, if there is one, may be trusted and is readable text.

        Raises:
            ConfigError: It may not; the message says what to do.
            AccessDenied: It may not be read.
        """
        self._text()

    def parsed(self) -> Parsed:
        """Return what the file holds now; nothing if there is no file.

        Raises:
            ConfigError: The file is world-writable, not UTF-8, too long or no regular file.
            AccessDenied: It may not be read.
        """
        stamp = self._stamp()
        if self._known is None or self._known[0] != stamp:
            text = self._text() if stamp else None
            self._known = (stamp, _NOTHING if text is None else _parse(text))
        return self._known[1]

    def _stamp(self) -> tuple[int, ...]:
        try:
            status = os.stat(self.path)
        except OSError:
            return ()
        return (status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev, status.st_mode)

    def _text(self) -> str | None:
        found = read_file(self.path, limit=MAX_BYTES)
        if found is None:
            return None
        content, status = found
        if status.st_mode & stat.S_IWOTH and os.name == "posix":
            raise ConfigError(
                f"{self.path} is writable by everybody, so its values may be anybody's: chmod o-w it"
            )
        if content.count(b"\n") > MAX_LINES:
            raise ConfigError(
                f"{self.path} has more than {MAX_LINES:,} lines; split it, or keep data elsewhere"
            )
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass  # told below, outside the handler: the exception holds the file
        raise ConfigError(f"{self.path} is not UTF-8; save it in that encoding")


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
