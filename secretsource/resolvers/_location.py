"""Where a resolver looks, and what it says of that place."""

from __future__ import annotations

from secretsource._record import Record
from secretsource._secret import Document, NotThere

__all__ = ["Answer", "Location"]

Answer = Document | NotThere | None
"""What a resolver says of one location: what it holds, or that it is not there, `None` for short."""


class Location(Record, uncompared=("text",)):
    """Where a resolver looks for one name: pure data, made without any I/O.

    Attributes:
        address: The document's address at the backend. Documents are cached by address, version and stage, so a
            backend without documents, where a path is read otherwise than a name, gives the path an address of its own.
        field: The member of the document that holds the value; `None` for the whole value.
        version: The version that is asked for, or `None` for the current one.
        stage: The stage that is asked for, or `None` for the usual one.
        document: Whether all fields are wanted, and not one.
        text: What `explain` and messages show; made from the other attributes when it is left empty.
    """

    address: str
    field: str | None = None
    version: str | None = None
    stage: str | None = None
    document: bool = False
    text: str = ""

    def __str__(self) -> str:
        """Return what `explain` and messages show; never a value."""
        if self.text:
            return self.text
        asked = [
            f"{key}={value}" for key, value in (("version", self.version), ("stage", self.stage)) if value
        ]
        query = "?" + "&".join(asked) if asked else ""
        return self.address + query + (f"#{self.field}" if self.field is not None else "")
