"""Whether the package of a backend is installed; it is not imported for that."""

from __future__ import annotations

import importlib.util

from secretsource.errors import MissingDependency

__all__ = ["check_installed"]


def check_installed(resolver: str, package: str, *, modules: tuple[str, ...], extra: str) -> None:
    """Check that all *modules* can be imported.

    Args:
        resolver: The configured name, for the message.
        package: What is missed, in words that users know.
        modules: The top-level modules that are needed.
        extra: The extra of secretsource that brings them.

    Raises:
        MissingDependency: One cannot; the message says what to install.
    """
    if any(importlib.util.find_spec(module) is None for module in modules):
        raise MissingDependency(
            f"the resolver {resolver!r} needs {package}: pip install 'secretsource[{extra}]'"
        )
