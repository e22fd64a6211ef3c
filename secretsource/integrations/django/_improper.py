"""Errors that Django also knows as its own, so that its checks go on and report."""

from __future__ import annotations

from typing import Any, TypeVar

from secretsource import SecretSourceError
from secretsource.integrations._needs import needs

with needs("Django", extra="django"):
    from django.core.exceptions import ImproperlyConfigured

__all__ = ["improper"]

E = TypeVar("E", bound=SecretSourceError)


def improper(error: E) -> E:
    """Return the same error as one that is an `ImproperlyConfigured` too."""
    kind = type(error)

    def reduce(self: E) -> Any:
        # The receiver of a pickle cannot import a class that is made here.
        return _with_class(self, kind).__reduce__()

    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__reduce__": reduce}
    both: type[E] = type(kind.__name__, (kind, ImproperlyConfigured), names)
    return _with_class(error, both)


def _with_class(error: E, kind: type[E]) -> E:
    other = kind.__new__(kind, *error.args)
    other.args = error.args
    other.__dict__.update(error.__dict__)
    return other
