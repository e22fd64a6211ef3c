"""Importing a framework, and saying which extra brings it where it is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from secretsource.errors import MissingDependency

__all__ = ["needs"]


@contextmanager
def needs(package: str, *, extra: str) -> Iterator[None]:
    """Import the framework of an integration in this block.

    Args:
        package: What is missed, in words that users know.
        extra: The extra of secretsource that brings it.

    Raises:
        MissingDependency: It cannot be imported; the message says what to install.
    """
    try:
        yield
    except ImportError as error:
        raise MissingDependency(
            f"this needs {package} ({error.name} cannot be imported): pip install 'secretsource[{extra}]'"
        ) from error
