"""One field of a JSON object replaced, and all the others as they were written, down to the digits of their numbers.

Nothing is raised from here, as the local variables show values.
"""

from __future__ import annotations

import json
from typing import NoReturn

from secretsource._secret import MaskedBytes, MaskedStr

__all__ = ["enveloped", "object_in", "with_field"]


class _Literal(str):
    """A number as it was written."""

    __slots__ = ()


def object_in(body: bytes, *keys: str) -> MaskedStr | None:
    """Return the JSON object that stands below *keys* in *body*, or `None` if there is none."""
    found = _read(body)
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return _written(found) if isinstance(found, dict) else None


def with_field(text: MaskedStr, field: str, value: MaskedStr) -> MaskedStr | None:
    """Return the JSON object in *text* with *field* set to *value*, or `None` if it cannot be written."""
    found = _read(text)
    return _written(found | {field: value}) if isinstance(found, dict) else None


def enveloped(data: MaskedStr, version: int) -> MaskedBytes:
    """Return the body that writes *data* to KV version 2 if *version* is the current one."""
    return MaskedBytes(f'{{"options":{{"cas":{version}}},"data":{data}}}', "utf-8")


def _read(text: bytes | str) -> object:
    try:
        found: object = json.loads(text, parse_float=_Literal, parse_int=_Literal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return found


def _written(found: object) -> MaskedStr | None:
    try:
        return MaskedStr(_dumped(found))
    except RecursionError:
        return None


def _dumped(found: object) -> str:
    if isinstance(found, _Literal):
        return str(found)
    if isinstance(found, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_dumped(value)}" for key, value in found.items()) + "}"
    if isinstance(found, list):
        return "[" + ",".join(map(_dumped, found)) + "]"
    return json.dumps(found)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
