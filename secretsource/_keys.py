"""Which document is meant: everything that changes the answer of a backend, as one string."""

from __future__ import annotations

from typing import NewType

__all__ = ["DocumentKey", "document_key", "resolver_of"]

DocumentKey = NewType("DocumentKey", str)
"""One string, since it is made for each answer that is kept: four strings in a tuple take 80 bytes more."""

# What parts the name of a resolver, which has neither, from the rest.
_PLAIN, _EXACT = "=", "?"


def document_key(
    resolver: str, address: str, version: str | None = None, stage: str | None = None
) -> DocumentKey:
    """Return the key of a document; no other document has the same.

    Args:
        resolver: The name of the resolver.
        address: Any text, as are the following.
        version: The version that is asked for, or `None` for the current one.
        stage: The stage that is asked for, or `None` for the usual one.
    """
    if version is None and stage is None:
        return DocumentKey(f"{resolver}{_PLAIN}{address}")
    return DocumentKey(f"{resolver}{_EXACT}{_measured(version)}{_measured(stage)}{address}")


def resolver_of(key: DocumentKey) -> str:
    """Return the name of the resolver that is asked for a document."""
    return key.partition(_PLAIN)[0].partition(_EXACT)[0]


def _measured(text: str | None) -> str:
    """Return *text* in a form that tells where it ends, whatever is in it."""
    return "-" if text is None else f"{len(text)}:{text}"
