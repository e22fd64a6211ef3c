"""Writing one key of a ``.env`` file."""

from __future__ import annotations

import os

from secretsource._deadline import Deadline
from secretsource._reference import shown
from secretsource._secret import MaskedBytes, MaskedStr, Value
from secretsource.errors import InvalidReference, InvalidValue, Reason, WriteConflict, resolver_error
from secretsource.resolvers import Location
from secretsource.resolvers._dotenv_file import MAX_BLANKS, MAX_BYTES, MAX_LINES, DotenvFile, has_many_blanks
from secretsource.resolvers._dotenv_line import is_key, with_value
from secretsource.resolvers._file import read_file
from secretsource.resolvers._file_replaced import alone_in, replace_file
from secretsource.resolvers._put import NO_TEXT, check_unversioned, is_text

__all__ = ["check_put", "put_value"]

_ROUNDS = 5  # before others who write all the time are called a conflict
_MARK = "\ufeff"


def put_value(file: DotenvFile, variable: str, value: MaskedStr, deadline: Deadline) -> None:
    """Let *variable* have *value* in *file*, which is made if there is none, for its owner alone.

    Args:
        file: The layer.
        variable: The key.
        value: Text that a line can hold.
        deadline: When it must be done.

    Raises:
        InvalidValue: The file would hold what is refused when it is read.
        WriteConflict: Others change the file all the time.
        AccessDenied: It is a link, or may not be written.
        ConfigError: It may not be trusted.
        InvalidResponse: It has lines that cannot be read.
    """
    with alone_in(os.path.dirname(file.path), deadline):
        for _ in range(_ROUNDS):
            if _put_once(file, variable, value):
                return
    raise WriteConflict("others change the file all the time", location=file.path)


def check_put(location: Location, value: Value, expected: str | None) -> MaskedStr:
    """Return the text to write, if it can be written.

    Raises:
        InvalidReference: The location is a path, or no key of a line.
        InvalidValue: A line cannot hold the value.
        WriteConflict: A version is expected, and there are none.
    """
    if location.document or not is_key(location.address):
        raise InvalidReference(f"{location} cannot be written: it is no key of a line")
    check_unversioned(expected, "a .env file", location)
    if not isinstance(value, MaskedStr):
        raise InvalidValue(f"{location} cannot hold bytes: a .env file is text")
    if "\0" in value:
        raise InvalidValue(f"{location} cannot hold a null character")
    if not is_text(value):
        raise InvalidValue(f"{location} cannot hold {NO_TEXT}")
    return value


def _put_once(file: DotenvFile, variable: str, value: MaskedStr) -> bool:
    if os.path.islink(file.path):
        raise resolver_error(Reason.DENIED, f"{shown(file.path)} is a link: set path to the file it leads to")
    if file.parsed().broken_lines:  # and finds out whether it may be trusted
        raise resolver_error(Reason.BROKEN, f"{file.path} has lines that cannot be read; write KEY=value")
    found = read_file(file.path, limit=MAX_BYTES, follow=False)
    text = MaskedStr() if found is None else found[0].decode()
    mark = _MARK if text.startswith(_MARK) else ""
    changed = with_value(text[len(mark) :], variable, value)
    if changed is None:
        raise InvalidValue(f"{variable} in {file.path} cannot hold this value: it would not be read as it is")
    content = MaskedBytes((mark + changed).encode())
    if why := _why_not(changed, len(content)):
        raise InvalidValue(f"{variable} in {file.path} cannot hold this value: {why}")
    return replace_file(file.path, content, None if found is None else found[1])


def _why_not(text: str, size: int) -> str:
    if size > MAX_BYTES:
        return f"the file would have more than {MAX_BYTES:,} bytes"
    if max(text.count("\n"), text.count("\r")) > MAX_LINES:
        return f"the file would have more than {MAX_LINES:,} lines"
    return f"it has more than {MAX_BLANKS} blanks in a row" if has_many_blanks(text) else ""
