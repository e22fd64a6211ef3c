"""Paths at a Vault server: checked before they are used, and once more as they are sent."""

from __future__ import annotations

import posixpath
import unicodedata
from urllib.parse import quote, unquote

from secretsource._reference import shown
from secretsource.errors import InvalidReference

__all__ = ["RESERVED", "check_path", "encoded", "is_exactly"]

RESERVED = frozenset({"audit", "auth", "cubbyhole", "identity", "sys"})
"""First segments below which the server keeps its own things, and no secrets of applications."""

_MAX_PATH = 1024
_UNSEEN = frozenset("CZ")  # control, format and separator characters; a plain space is allowed


def check_path(path: str) -> str:
    """Return *path* if every segment of it is a plain one.

    Raises:
        InvalidReference: A segment is empty, ``.`` or ``..``, also when decoded once more, or holds what cannot be
            seen; or the first one is `RESERVED`.
    """
    parts = path.split("/")
    if len(path) > _MAX_PATH or not all(_is_plain(part) for part in parts):
        raise InvalidReference(
            f"{shown(path)} is no path of a secret: a segment of it is not allowed, or it is too long"
        )
    if parts[0] in RESERVED:
        raise InvalidReference(
            f"{shown(path)} is no path of a secret: below {parts[0]!r} the server keeps its own things"
        )
    return path


def _is_plain(part: str) -> bool:
    decoded = unquote(part)
    if not decoded or decoded in {".", ".."} or "/" in decoded or "\\" in decoded:
        return False
    return not any(char != " " and unicodedata.category(char)[0] in _UNSEEN for char in decoded)


def encoded(path: str) -> str:
    """Return *path* with each segment percent-encoded, for a URL."""
    return quote(path, safe="/")


def is_exactly(url: str, path: str) -> bool:
    """Whether the *url* that is about to be sent means *path* and nothing else, also after it was normalised."""
    meant = unquote(url)
    return meant == path and posixpath.normpath(meant) == path and "?" not in url and "#" not in url
