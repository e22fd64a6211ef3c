"""Names and references: what may be asked for, and how it is written.

A *name* is ``segment/segment/…``; a *reference* is ``scheme://path?version=…&stage=…#field``. Names may come from
untrusted places, so everything here is decided before any I/O, by one grammar.
"""

from __future__ import annotations

import re

from secretsource._record import Record
from secretsource.errors import InvalidReference

__all__ = [
    "MAX_NAME",
    "MAX_REFERENCE",
    "Reference",
    "check_name",
    "check_resolver_name",
    "is_reference",
    "parse_reference",
    "shown",
    "split_name",
]

MAX_NAME = 512
MAX_REFERENCE = 2048
_SHOWN = 200

_SEGMENT = re.compile(r"[A-Za-z0-9_.@+=-]+", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.@+=-]+(?:/[A-Za-z0-9_.@+=-]+)*", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)
_ENCODED = re.compile(r"(?:[A-Za-z0-9_.@+=-]|%[0-9A-Fa-f]{2})+", re.ASCII)
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_QUERY_KEYS = ("stage", "version")
_GRAMMAR = "a name is segment/segment/…, a segment is made of A-Z a-z 0-9 _ . @ + = - and is not '.' or '..'"


class Reference(Record):
    """An explicit ``scheme://path?version=…&stage=…#field``, taken apart and decoded.

    Attributes:
        scheme: The configured name of the resolver that is asked.
        path: The decoded path; it starts with ``/`` only in ``scheme:///absolute/path``.
        version: The version that is asked for, or `None` for the newest.
        stage: The stage that is asked for, or `None` for the usual one.
        field: The field that is asked for, or `None`.
    """

    scheme: str
    path: str
    version: str | None = None
    stage: str | None = None
    field: str | None = None


def shown(text: object) -> str:
    """Return *text* for a message: quoted, control characters escaped, cut after 200 characters."""
    if not isinstance(text, str):
        return f"a value of type {type(text).__name__}"
    # A masked value that is given in the place of a name stays masked: its own repr decides.
    return ascii(text) if len(text) <= _SHOWN else ascii(text[:_SHOWN]) + "…"


def is_reference(text: object) -> bool:
    """Whether *text* is written as an explicit reference, well formed or not."""
    return isinstance(text, str) and "://" in text


def check_name(text: str) -> str:
    """Return *text* if it is a name.

    Raises:
        InvalidReference: It is not, with the rule it breaks.
    """
    if not isinstance(text, str):
        raise InvalidReference(f"{shown(text)} is no name: pass a str such as 'pepipost/api_key'")
    if len(text) > MAX_NAME:
        raise InvalidReference(
            f"{shown(text)} is no name: it has {len(text)} characters, {MAX_NAME} are allowed"
        )
    if _NAME.fullmatch(text) is None or not _climbs_nowhere(text.split("/")):
        raise InvalidReference(f"{shown(text)} is no name: {_GRAMMAR}")
    return text


def check_resolver_name(text: str) -> str:
    """Return *text* if it can name a resolver, and so be the scheme of a reference.

    Raises:
        InvalidReference: It cannot.
    """
    if not isinstance(text, str) or _SCHEME.fullmatch(text) is None:
        raise InvalidReference(
            f"{shown(text)} cannot name a resolver: use 64 letters, digits, '_', '.' and '-' at most"
        )
    return text


def split_name(name: str) -> tuple[str, str | None]:
    """Return the path of a name and its last segment as the field; the field is `None` for a single segment."""
    path, slash, field = name.rpartition("/")
    return (path, field) if slash else (field, None)


def parse_reference(text: str) -> Reference:
    """Take ``scheme://path?version=…&stage=…#field`` apart.

    What a segment cannot hold plainly is percent-encoded, and decoded once.

    Raises:
        InvalidReference: It is malformed, a segment is ``.`` or ``..`` or holds ``/`` or a control character after
            decoding, or the query has a key that is not ``version`` or ``stage``.
    """
    if len(text) > MAX_REFERENCE:
        raise InvalidReference(f"{shown(text)} is no reference: more than {MAX_REFERENCE} characters")
    scheme, _, rest = text.partition("://")
    if _SCHEME.fullmatch(scheme) is None:
        raise InvalidReference(
            f"{shown(text)} is no reference: it must start with the name of a resolver and '://'"
        )
    rest, hash_sign, fragment = rest.partition("#")
    path, question_mark, query = rest.partition("?")
    asked = _parse_query(text, query) if question_mark else {}
    return Reference(
        scheme=scheme,
        path=_parse_path(text, path),
        version=asked.get("version"),
        stage=asked.get("stage"),
        field=_decode(text, fragment) if hash_sign else None,
    )


def _parse_path(text: str, path: str) -> str:
    absolute = path.startswith("/")
    segments = [_decode(text, part) for part in path.removeprefix("/").split("/")]
    if any("/" in segment for segment in segments) or not _climbs_nowhere(segments):
        raise InvalidReference(f"{shown(text)} is no reference: a segment is '.' or '..' or holds a '/'")
    return ("/" if absolute else "") + "/".join(segments)


def _parse_query(text: str, query: str) -> dict[str, str]:
    asked: dict[str, str] = {}
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if key not in _QUERY_KEYS or key in asked:
            raise InvalidReference(
                f"{shown(text)}: {shown(key)} is no query key; 'version' and 'stage' are, once each"
            )
        asked[key] = _decode(text, value)
    return asked


def _decode(text: str, part: str) -> str:
    """Percent-decode one piece once, and refuse what no identifier holds."""
    if _SEGMENT.fullmatch(part):
        return part
    if _ENCODED.fullmatch(part) is None:
        raise InvalidReference(
            f"{shown(text)} is no reference: {shown(part)} is empty or holds a character that must be percent-encoded"
        )
    raw = _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), part.encode("ascii"))
    decoded = raw.decode("utf-8", "replace")
    if "\ufffd" in decoded or not all(map(_is_plain, decoded)):
        raise InvalidReference(f"{shown(text)} is no reference: {shown(part)} decodes to no plain text")
    return decoded


def _is_plain(char: str) -> bool:
    import unicodedata  # noqa: PLC0415 - only for what is percent-encoded

    return char == " " or unicodedata.category(char)[0] not in "CZ"


def _climbs_nowhere(segments: list[str]) -> bool:
    return not any(segment in {".", ".."} for segment in segments)
