"""What must not be seen anywhere: made for one cell, and hidden from the frames of the test itself."""

from __future__ import annotations

import base64
import secrets

__all__ = ["Canaries", "Canary", "new_text"]

_CORE = 24


def new_text() -> str:
    """Return a new value that is nowhere else, and changes where it is percent-encoded or escaped."""
    return f"{secrets.token_hex(20)}/+&%\"'{secrets.token_hex(2)}"


class Canary:
    """One of them: the piece that is looked for, in each way it could be written down."""

    __slots__ = ("_forms",)

    def __init__(self, text: str) -> None:
        core = text[-_CORE - 8 : -8] if len(text) > 60 else text[:_CORE]
        raw = core.encode()
        # In base64 it begins at one of three places; the first and the last letters depend on its neighbours.
        shifted = [base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")[4:-4] for shift in range(3)]
        self._forms = frozenset({core, core[::-1], raw.hex(), *shifted})

    def is_in(self, text: str) -> bool:
        """Whether *text* holds it, plain or encoded."""
        return any(form in text for form in self._forms)

    def __repr__(self) -> str:
        return "Canary()"


class Canaries:
    """All that one cell has to hide, by what it is."""

    def __init__(self) -> None:
        self._known: dict[str, list[Canary]] = {}

    def add(self, what: str, text: str) -> None:
        """Look for *text* too."""
        self._known.setdefault(what, []).append(Canary(text))

    def seen_in(self, text: str) -> list[str]:
        """Return what of it stands in *text*, without showing it."""
        return [what for what, those in self._known.items() if any(each.is_in(text) for each in those)]

    def __repr__(self) -> str:
        return "Canaries()"
