"""The setting ``max_bytes``: how large an answer a backend may give."""

from __future__ import annotations

from secretsource.errors import ConfigError

__all__ = ["check_max_bytes"]


def check_max_bytes(given: int, setting: str) -> int:
    """Return *given* if it is a limit; `True` is no number.

    Args:
        given: What was set.
        setting: How messages call it, such as "the max_bytes for AWS".

    Raises:
        ConfigError: It is no whole number above 0.
    """
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise ConfigError(f"{setting} must be a whole number of bytes, 1 or more")
    return given
