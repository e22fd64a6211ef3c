"""What Airflow makes a connection of: a URI, or JSON with its own names for the parts, from what a secret holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from secretsource import MaskedBytes, MaskedStr, SecretSourceError

__all__ = ["InvalidConnection", "from_fields", "from_text"]

_PARTS: Final = {
    "conn_type": ("conn_type", "engine"),
    "host": ("host",),
    "login": ("login", "username", "user"),
    "password": ("password",),
    "port": ("port",),
    "schema": ("schema", "dbname", "database"),
    "extra": ("extra",),
    "description": ("description",),
}
_URIS: Final = ("conn_uri", "uri")


class InvalidConnection(SecretSourceError, ValueError):  # noqa: N818 - it reads as what happened
    """A secret is there, and Airflow can make no connection of it. The message says why, and shows nothing of it."""


def from_text(name: str, text: MaskedStr) -> str:
    """Return what Airflow reads, from one text: a URI, or a JSON object of the parts.

    Args:
        name: The secret's, for messages.
        text: Its value.

    Raises:
        InvalidConnection: It is neither.
    """
    if text.lstrip().startswith("{"):
        return _checked(name, *_of_json(text))
    if "://" not in text:
        raise InvalidConnection(f"{name!r} is neither a URI, such as postgres://…, nor a JSON object")
    return text.reveal().strip()


def from_fields(name: str, fields: Mapping[str, MaskedStr | MaskedBytes]) -> str:
    """Return what Airflow reads, from the fields of a document: the parts, or ``conn_uri`` alone.

    Args:
        name: The document's, for messages.
        fields: Its fields.

    Raises:
        InvalidConnection: They make no connection.
    """
    texts = {key: field for key, field in fields.items() if isinstance(field, MaskedStr)}
    uri = next((texts[key] for key in _URIS if key in texts), None)
    return _checked(name, *_of_parts(texts)) if uri is None else from_text(name, uri)


def _checked(name: str, made: str, wrong: str) -> str:
    if wrong:
        raise InvalidConnection(f"{name!r} {wrong}")
    return made


# What is read is plain text here. So these tell what is wrong, and leave it to others to raise: no frame of theirs is
# in a traceback.


def _of_json(text: MaskedStr) -> tuple[str, str]:
    try:
        parts = json.loads(text)
    except ValueError:
        return "", "begins like a JSON object, and is none"
    return _of_parts(parts)


def _of_parts(parts: Mapping[str, object]) -> tuple[str, str]:
    found = {
        part: parts[word]
        for part, words in _PARTS.items()
        for word in reversed(words)
        if parts.get(word) not in (None, "")
    }
    if "conn_type" not in found:
        return "", f"has no conn_type, such as 'postgres'; a connection is made of {', '.join(_PARTS)}"
    if not str(found.get("port", 0)).strip().isdecimal():
        return "", "has a port that is no whole number"
    return json.dumps(found), ""
