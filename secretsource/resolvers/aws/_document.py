"""From an answer of GetSecretValue to a document: the whole value, and its members where it is a JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime

from secretsource._secret import Document
from secretsource.errors import Reason
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._oversize import is_larger

__all__ = ["document_of", "members"]

_SPACE = re.compile(r"[ \t\n\r]*")


def document_of(answer: Mapping[str, object], max_bytes: int) -> Document | Failure:
    """Return the document in *answer*; a `Failure` if there is none, as botocore takes any 200 for a success.

    Args:
        answer: What ``get_secret_value`` returned.
        max_bytes: The most bytes that a value may have.
    """
    text, binary = answer.get("SecretString"), answer.get("SecretBinary")
    value = binary if text is None else text
    # AWS stores no empty binary; botocore makes one of what is not base64.
    if not isinstance(value, str | bytes) or value == b"":
        return Failure(Reason.BROKEN, "HTTP 200 without a SecretString or SecretBinary")
    if is_larger(value, max_bytes):
        return Failure(Reason.BROKEN, f"more than {max_bytes} bytes")
    version, created = answer.get("VersionId"), answer.get("CreatedDate")
    return Document(
        value=value,
        fields=members(value) if isinstance(value, str) else {},
        version=version if isinstance(version, str) else None,
        created=created if isinstance(created, datetime) else None,
    )


def members(text: str) -> dict[str, str]:
    """Return the members of the JSON object in *text*; none if it is no JSON or no object.

    Strings come as they are, numbers, booleans and nested values as the JSON text that stands there, so that neither
    ``1.10`` nor a long number is rewritten. ``null`` is absent. Of a key that stands there twice, the last counts.
    """
    try:
        return _members(text)
    except (ValueError, RecursionError):
        return {}


def _members(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = _expect(text, 0, "{")
    if text[at : at + 1] == "}":
        at += 1
    else:
        at = _read_members(text, at, found)
    if _skip(text, at) != len(text):
        raise ValueError
    return found


def _read_members(text: str, at: int, found: dict[str, str]) -> int:
    """Read up to and with the closing brace; return where it goes on."""
    while True:
        if text[at : at + 1] != '"':
            raise ValueError
        key, at = _DECODER.raw_decode(text, at)
        start = _expect(text, at, ":")
        value, at = _DECODER.raw_decode(text, start)
        found.pop(key, None)
        if value is not None:
            found[key] = value if text[start] == '"' else text[start:at]
        at = _skip(text, at)
        if text[at : at + 1] == "}":
            return at + 1
        at = _expect(text, at, ",")


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
