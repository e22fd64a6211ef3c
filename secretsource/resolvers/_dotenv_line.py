"""One line of a ``.env`` file with another value; every other character stays what it was."""

from __future__ import annotations

import io
import re

from secretsource._secret import MaskedStr

__all__ = ["is_key", "with_value"]

_KEY = re.compile(r"[^=#\s'][^=#\s]*")
# What stands before the value, as python-dotenv reads it.
_START = re.compile(r"\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=#\s]+)[^\S\r\n]*=[^\S\r\n]*")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+=,-]*", re.ASCII)
_QUOTED = {"'": re.compile(r"'(?:\\.|[^'\\])*'", re.DOTALL), '"': re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}


def is_key(variable: str) -> bool:
    """Whether a line may begin with *variable*."""
    return _KEY.fullmatch(variable) is not None


def with_value(text: str, variable: str, value: str) -> MaskedStr | None:
    """Return the text of a file in which *variable* has *value*.

    The last line that names it is changed, as that is the one that counts, also for other programs; without any, one is
    added at the end. Export, comment, line end and, where the value allows it, the kind of quotes are kept.

    Args:
        text: The text of the file, without a byte order mark, in which every line can be read.
        variable: The key.
        value: The new value.

    Returns:
        The new text; `None` if it could not be read as what it is meant to be.
    """
    before = _read(text)
    known = [at for at, (key, _, _) in enumerate(before) if key == variable]
    if known:
        at = known[-1]
        line = _changed(before[at][2], before[at][1], value)
        changed = "".join(line if number == at else string for number, (_, _, string) in enumerate(before))
    else:
        at = len(before)
        changed = _added(text, f"{variable}={_written(value, '')}")
    return MaskedStr(changed) if _is_meant(before, _read(changed), at, variable, value) else None


def _read(text: str) -> list[tuple[str | None, str | None, str]]:
    """Return key, value and text of each binding, those without a key included."""
    from dotenv.parser import parse_stream  # only where there is a file to write

    return [(each.key, each.value, each.original.string) for each in parse_stream(io.StringIO(text))]


def _changed(line: str, old: str | None, value: str) -> str:
    """Return the text of one binding with another value."""
    start = _START.match(line)
    if old is None or start is None:  # a key alone
        end = len(line.rstrip())
        comment = line.find("#")
        end = len(line[:comment].rstrip()) if comment >= 0 else end
        gap = " " if line[end:].startswith("#") else ""
        return f"{line[:end]}={_written(value, '')}{gap}{line[end:]}"
    sign = line[start.end() : start.end() + 1]
    quoted = _QUOTED[sign].match(line, start.end()) if sign in _QUOTED else None
    end = start.end() + len(old) if quoted is None else quoted.end()
    rest = line[end:]
    return line[: start.end()] + _written(value, sign) + (" " if rest.startswith("#") else "") + rest


def _written(value: str, sign: str) -> str:
    """Return *value* as a line holds it, in the quotes that *sign* is, if it is one and they can hold it."""
    if sign not in _QUOTED and value and _BARE.fullmatch(value):
        return value
    if sign != '"' and not any(char in value for char in "'\\\r\n"):
        return f"'{value}'"
    return '"' + "".join(_ESCAPES.get(char, char) for char in value) + '"'


def _added(text: str, line: str) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    gap = end if text and not text.endswith(("\n", "\r")) else ""
    return f"{text}{gap}{line}{end}"


def _is_meant(
    before: list[tuple[str | None, str | None, str]],
    after: list[tuple[str | None, str | None, str]],
    at: int,
    variable: str,
    value: str,
) -> bool:
    """Whether the changed file reads as before, but for the one value."""
    old = [(key, held) for number, (key, held, _) in enumerate(before) if number != at and key is not None]
    new = [(key, held) for key, held, _ in after if key is not None]
    place = len([key for key, _, _ in before[:at] if key is not None])
    return new == [*old[:place], (variable, value), *old[place:]]
