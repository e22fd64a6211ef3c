"""Which classes of keyring are key stores of an operating system, and which ones keep values in plain text."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["CHAIN", "SHARED", "WINDOWS", "is_of_the_system", "why_refused"]

CHAIN = "keyring.backends.chainer"
"""The module of the class that asks several stores in turn."""

WINDOWS = "keyring.backends.Windows"
"""The module of the Credential Locker, whose values are short."""

SHARED = frozenset({"keyring.backends.kwallet", "keyring.backends.libsecret"})
"""The modules whose connection all of a process share; over a fork, a child would get its parent's answers."""

_SYSTEM = SHARED | {"keyring.backends.SecretService", "keyring.backends.macOS", WINDOWS}
_PLAIN = "keyrings.alt."
_NONE = ("keyring.backends.null.", "keyring.backends.fail.")


def is_of_the_system(module: str) -> bool:
    """Whether the classes of this module are key stores that an operating system encrypts."""
    return module in _SYSTEM


def why_refused(classes: Iterable[str]) -> str:
    """Return why none of these classes, each ``module.Class``, may be used, or an empty text.

    Args:
        classes: A class and those that it is derived from.
    """
    for name in classes:
        if name.startswith(_PLAIN) or "plaintext" in name.lower():
            return "keeps values in files, in plain text or under a password that protects little"
        if name.startswith(_NONE):
            return "holds nothing"
    return ""
