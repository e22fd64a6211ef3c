"""JSON objects as text: their members as they stand there, and one of them replaced without touching the others.

Nothing is raised from here, as the local variables show values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from secretsource._secret import MaskedStr

__all__ = ["members", "object_in", "with_changes", "with_member"]

_SPACE = re.compile(r"[ \t\n\r]*")


class _Member(NamedTuple):
    """One member: its key, its value or `None` for ``null``, and where the value starts and ends."""

    key: str
    value: str | None
    start: int
    end: int


def members(text: str) -> dict[str, str]:
    """Return the members of the JSON object in *text*; none if it is no JSON or no object.

    Strings come as they are, numbers, booleans and nested values as the JSON text that stands there, so that neither
    ``1.10`` nor a long number is rewritten. ``null`` is absent. Of a key that stands there twice, the last counts.
    """
    found: dict[str, str] = {}
    for each in _scanned(text) or ():
        found.pop(each.key, None)
        if each.value is not None:
            found[each.key] = each.value
    return found


def object_in(body: bytes, *keys: str) -> MaskedStr | None:
    """Return the JSON object that stands below *keys* in *body*, as it stands there; `None` if there is none."""
    try:
        text = str(body, "utf-8")
    except UnicodeDecodeError:
        return None
    for key in keys:
        places = [each for each in _scanned(text) or () if each.key == key]
        if not places:
            return None
        text = text[places[-1].start : places[-1].end]
    return None if _scanned(text) is None else MaskedStr(text)


def with_member(text: str, key: str, value: str) -> MaskedStr | None:
    """Return *text* with another value of one member, which is added at the end if it is not there.

    All else stays as it stands there, to the last blank. Of a key that stands there twice, the last one is changed, as
    it is the one that counts.

    Args:
        text: A JSON object.
        key: The key of the member.
        value: Its new value; it becomes a string.

    Returns:
        The new object; `None` if *text* is no JSON or no object.
    """
    return _with_written(text, key, _quoted(value))


def with_changes(text: str, before: str, after: str) -> MaskedStr | None:
    """Return *text* with what *after* has otherwise than *before*, as it stands there.

    Where *text* has something else than *before* too, it keeps that.

    Returns:
        The new object; `None` if one of them is no JSON or no object.
    """
    ours, old, new = _all_written(text), _all_written(before), _all_written(after)
    if ours is None or old is None or new is None:
        return None
    changed: str | None = MaskedStr(text)
    for key, written in new.items():
        if changed is not None and written != old.get(key) and ours.get(key) == old.get(key):
            changed = _with_written(changed, key, written)
    return None if changed is None else MaskedStr(changed)


def _all_written(text: str) -> dict[str, str] | None:
    """Return the members as they stand there."""
    found = _scanned(str(text))
    return None if found is None else {each.key: str(text)[each.start : each.end] for each in found}


def _with_written(text: str, key: str, quoted: str) -> MaskedStr | None:
    found = _scanned(str(text))
    if found is None:
        return None
    places = [each for each in found if each.key == key]
    if places:
        return MaskedStr(text[: places[-1].start] + quoted + text[places[-1].end :])
    opened = text.index("{") + 1
    member = f"{_quoted(key)}: {quoted}"
    if not found:
        return MaskedStr(text[:opened] + member + text[_skip(text, opened) :])
    indent = text[opened : _skip(text, opened)]
    end = found[-1].end
    return MaskedStr(text[:end] + "," + (indent if "\n" in indent else " ") + member + text[end:])


def _quoted(text: str) -> str:
    """Return *text* as a JSON string; half of a surrogate pair is escaped, as UTF-8 has no bytes for it."""
    quoted = json.dumps(str(text), ensure_ascii=False)
    return json.dumps(str(text)) if any("\ud800" <= sign <= "\udfff" for sign in quoted) else quoted


def _scanned(text: str) -> list[_Member] | None:
    try:
        return list(_scan(text))
    except (ValueError, RecursionError):
        return None


def _scan(text: str) -> Iterator[_Member]:
    at = _expect(text, 0, "{")
    if text[at : at + 1] == "}":
        at += 1
    else:
        while True:
            member = _member(text, at)
            yield member
            at = _skip(text, member.end)
            if text[at : at + 1] == "}":
                at += 1
                break
            at = _expect(text, at, ",")
    if _skip(text, at) != len(text):
        raise ValueError


def _member(text: str, at: int) -> _Member:
    if text[at : at + 1] != '"':
        raise ValueError
    key, at = _DECODER.raw_decode(text, at)
    start = _expect(text, at, ":")
    value, end = _DECODER.raw_decode(text, start)
    is_text = text[start] == '"'
    return _Member(key, value if is_text or value is None else text[start:end], start, end)


def _expect(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != sign:
        raise ValueError
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _refuse(_constant: str) -> None:
    """Refuse NaN and Infinity, which Python reads and JSON does not know."""
    raise ValueError


# Numbers are only passed over: read as text they have no limit of digits and cost nothing.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)
