"""What can be written to a KV engine, and where."""

from __future__ import annotations

from secretsource._secret import MaskedBytes, MaskedStr, Value
from secretsource.errors import InvalidReference, InvalidValue
from secretsource.resolvers import Location
from secretsource.resolvers._oversize import is_larger

__all__ = ["check_writable", "text_of"]


def check_writable(location: Location) -> None:
    """Check that one key of a current document is meant.

    Raises:
        InvalidReference: It is an old version, or a whole document.
    """
    if location.version is not None:
        raise InvalidReference(f"{location}: a version cannot be written, only the current document")
    if location.document or location.field is None:
        raise InvalidReference(f"{location} is a whole document: write one key of it")


def text_of(value: Value, location: Location, max_bytes: int) -> MaskedStr:
    """Return *value* as the text that a JSON document can hold.

    Raises:
        InvalidValue: It is no UTF-8, or has more than *max_bytes* bytes.
    """
    if is_larger(value, max_bytes):
        raise InvalidValue(f"{location} cannot hold more than {max_bytes:,} bytes: see max_bytes")
    text = _decoded(value)
    if text is None:
        raise InvalidValue(f"{location} cannot hold what is no UTF-8: encode it, for example as base64")
    return text


def _decoded(value: Value) -> MaskedStr | None:
    try:
        if isinstance(value, MaskedBytes):
            return MaskedStr(value, "utf-8")
        value.encode("utf-8")
    except UnicodeError:
        return None
    return value
