"""Credentials of backends: given as text, or as a callable that is asked at each login."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Credential", "reveal"]

Credential = str | Callable[[], str]


def reveal(credential: Credential) -> str:
    """Return the credential for one login, without one trailing newline, which files often end with.

    A callable is asked anew each time, so that a rotated credential is used at the next login.
    """
    text = credential if isinstance(credential, str) else credential()
    return text.removesuffix("\n").removesuffix("\r")
