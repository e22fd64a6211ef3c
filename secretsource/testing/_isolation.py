"""What a test may read: no backend that it did not ask for, and nothing that belongs to a test before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from secretsource._guard import set_refusal
from secretsource.errors import SecretSourceError

__all__ = ["IsolationError", "real_secrets"]


class IsolationError(SecretSourceError):
    """A test was about to read what it did not ask for: from a real backend, or the values of another test.

    It is neither "not there" nor an outage: no default, no other link and no old value hides it.
    """


@contextmanager
def real_secrets() -> Iterator[None]:
    """Let real backends be asked in this block, as the marker ``real_secrets`` does for one test.

    It is for fixtures of a wider scope than a test, and may be a decorator of plain functions. Where the pytest plugin
    refuses nothing, it does nothing.
    """
    before = set_refusal(None)
    try:
        yield
    finally:
        set_refusal(before)
