"""What tests keep from being asked: a hook in front of every backend, empty in every other program."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from secretsource.errors import SecretSourceError

__all__ = ["Refusal", "refusal", "set_refusal"]

Refusal: TypeAlias = "Callable[[object, str, bool], SecretSourceError | None]"
"""Is given a resolver, where it would look, and whether the configuration names it; returns why it is not asked."""

_refusal: Refusal | None = None


def set_refusal(decide: Refusal | None) -> Refusal | None:
    """Let *decide* be asked before each resolver from now on, in all threads, and return what was before."""
    global _refusal
    before, _refusal = _refusal, decide
    return before


def refusal(resolver: object, where: object = "", *, configured: bool) -> SecretSourceError | None:
    """Return why *resolver* is not asked, or `None` if it may be."""
    decide = _refusal
    return None if decide is None else decide(resolver, str(where), configured)
