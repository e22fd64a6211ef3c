"""The text of a secret, for what can hold no bytes."""

from __future__ import annotations

from secretsource import InvalidValue, MaskedStr, Secret

__all__ = ["text_of"]


def text_of(found: Secret) -> MaskedStr:
    """Return the value of *found*.

    Raises:
        InvalidValue: It is binary.
    """
    try:
        return found.value
    except TypeError:
        pass  # raised below: an error of ours, which is handled as the others are
    raise InvalidValue(f"{found.name!r} is binary, and text is wanted here: use get_secret_bytes()")
