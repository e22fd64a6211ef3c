"""The text of a secret, for what can hold no bytes."""

from __future__ import annotations

from secretsource import InvalidValue, MaskedStr, Secret

__all__ = ["text_of"]


def text_of(found: Secret) -> MaskedStr:
    """Return the value of *found*.

    Raises:
        InvalidValue: It is binary, or has half a surrogate pair: clients would show all of it in their errors.
    """
    try:
        value = found.value
    except TypeError:
        fault = "is binary"
    else:
        if value.isascii() or _is_unicode(value):
            return value
        fault = "has bytes that are no UTF-8, or half a surrogate pair"
    # Not in the except block: an error of ours, which is handled as the others are, has no other behind it.
    raise InvalidValue(f"{found.name!r} {fault}, and text is wanted here: use get_secret_bytes()")


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
