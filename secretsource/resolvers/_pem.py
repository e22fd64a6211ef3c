"""What a PEM file holds, where the path of one belongs: a private key there must reach no message."""

from __future__ import annotations

from secretsource.errors import ConfigError

__all__ = ["check_no_pem", "is_pem"]

_BEGIN = "-----BEGIN"


def is_pem(text: str) -> bool:
    """Whether *text* is what a PEM file holds, and no path."""
    return _BEGIN in text


def check_no_pem(path: str, setting: str) -> None:
    """Check that *path* is none of the texts that stand in PEM files.

    Args:
        path: What was given as the path of a file.
        setting: What to call it in messages.

    Raises:
        ConfigError: It is one; it is not repeated.
    """
    if is_pem(path):
        raise ConfigError(
            f"{setting} is no path but what a PEM file holds: write it into a file, and name that"
        )
