"""The versions of one document in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from secretsource._secret import Document
from secretsource.errors import Reason
from secretsource.resolvers import NotThere

__all__ = ["Versions"]


class Versions:
    """Every version of one document, the newest last; they are numbered from 1."""

    def __init__(self, label: str | None = None) -> None:
        """Start with none.

        Args:
            label: The version that is told instead of a number, where a reference names the version itself.
        """
        self._label = label
        self._made: list[Document | None] = []  # None: it was deleted here
        self._count = 0

    def new(
        self, field: str | None, value: str | bytes | Mapping[str, str | bytes], lease: float | None = None
    ) -> Document:
        """Return the next version, without keeping it: the newest one with *value* put into it.

        Args:
            field: The field that *value* is; `None` for the whole value, or for all fields if it is a mapping.
            value: What is put there.
            lease: Seconds for which it may be used.
        """
        self._count += 1
        newest = (self._made[-1] if self._made else None) or Document()
        whole: str | bytes | None = newest.value
        fields: Mapping[str, str | bytes] = newest.fields
        if isinstance(value, Mapping):
            whole, fields = None, value
        elif field is None:
            return self._document(value, fields, lease)
        else:
            fields = {**fields, field: value}
        return self._document(whole, fields, lease)

    def _document(
        self, value: str | bytes | None, fields: Mapping[str, str | bytes], lease: float | None
    ) -> Document:
        return Document(value=value, fields=fields, version=self._label or str(self._count), lease=lease)

    def keep(self, document: Document) -> None:
        """Make *document* the newest version."""
        self._made.append(document)

    def remove(self, field: str | None) -> None:
        """Delete one field, or everything; what is left is a new version."""
        newest = self._made[-1] if self._made else None
        if newest is None:
            return
        left = {key: value for key, value in newest.fields.items() if key != field}
        if field is None or (not left and newest.value is None):
            self._made.append(None)
            return
        self._count += 1
        self._made.append(self._document(newest.value, left, newest.lease))

    def answer(self, version: str | None = None) -> Document | NotThere | None:
        """Return the newest version, or the one that is asked for."""
        if version is None:
            return (self._made[-1] or NotThere(Reason.DELETED)) if self._made else None
        return next((made for made in self._made if made is not None and made.version == version), None)

    def copy(self) -> Self:
        """Return the same versions as an object of their own."""
        twin = type(self)(self._label)
        twin._made, twin._count = list(self._made), self._count
        return twin
