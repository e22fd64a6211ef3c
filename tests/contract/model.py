"""What a reader may get, written from the tables of the contract and from nothing of the code.

The model keeps no clockwork of its own. It is told what each backend was asked and what it said, and derives from that
which answers are allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

__all__ = ["MAX_STALE", "NEGATIVE_TTL", "TTL", "Known", "Result", "Said", "allowed_at", "walked"]

TTL: Final = 100.0
MAX_STALE: Final = 300.0
NEGATIVE_TTL: Final = 5.0

SOFT = {"down": "unavailable", "hang": "unavailable", "broken": "broken"}
HARD = {"denied": "denied", "tls": "tls", "odd": "odd"}

Result: TypeAlias = tuple[object, ...]
"""``("value", value, stale)``, ``("none", stale)`` or ``("error", kind)``."""


@dataclass(frozen=True)
class Said:
    """One answer of a backend."""

    link: str
    address: str
    kind: str
    asked_at: float
    fields: Mapping[str, str] | None = None
    lease: float | None = None
    prolonged: bool = False
    """Whether it says that what was lent goes on, and not what there is now."""


@dataclass(frozen=True)
class Known:
    """What may be known of one document at one link."""

    answer: Said | None = None
    failure: str | None = None
    """The kind of the last failure since the answer."""
    distrusted: bool = False

    def after(self, said: Said) -> Known:
        if said.kind == "found":
            return Known(said)
        if said.kind == "denied":
            return Known()
        if self.answer is None:
            return self
        return replace(self, failure=said.kind, distrusted=self.distrusted or said.kind == "tls")

    def has(self, field: str | None) -> bool:
        fields = None if self.answer is None else self.answer.fields
        return bool(fields) if field is None else field in (fields or {})

    def ttl(self, field: str | None) -> float:
        return TTL if self.has(field) else NEGATIVE_TTL

    def is_young(self, field: str | None, now: float) -> bool:
        """Whether no refresh is due, however it is jittered."""
        if self.answer is None:
            return False
        lease = float("inf") if self.answer.lease is None else self.answer.lease
        return now - self.answer.asked_at < min(0.72 * self.ttl(field), 0.6 * lease) - 0.01

    def is_fresh(self, field: str | None, now: float) -> bool:
        return self._is_below(self.ttl(field), now)

    def is_servable(self, field: str | None, now: float) -> bool:
        return not self.distrusted and self._is_below(self.ttl(field) + MAX_STALE, now)

    def _is_below(self, limit: float, now: float) -> bool:
        if self.answer is None:
            return False
        lease = float("inf") if self.answer.lease is None else self.answer.lease
        return now - self.answer.asked_at < min(limit, lease)

    def read(self, field: str | None, *, stale: bool) -> set[Result]:
        """Return what the answer means for who asks for *field*; `None` is the whole document."""
        assert self.answer is not None
        fields = self.answer.fields or {}
        if not self.has(field):
            unproved = stale and self.answer.fields is not None
            return {("none", stale)} | ({("error", SOFT[self.failure or "down"])} if unproved else set())
        return {("value", frozenset(fields.items()) if field is None else fields[field], stale)}


def allowed_at(
    known: Known, field: str | None, during: Sequence[Said], now: float, *, refresh: bool, late: bool
) -> set[Result]:
    """Return what a reader may learn from one link.

    Args:
        known: What was known of the document before the read.
        field: What is read.
        during: What the backend said since the read began, also to those who asked in the background.
        now: The moment.
        refresh: Whether the reader wants to know what the backend says now.
        late: Whether the reader may have gone before the backend spoke.
    """
    allowed: set[Result] = set()
    if late and during:
        allowed.add(("error", "unavailable"))
        if not refresh and known.is_servable(field, now):
            allowed |= known.read(field, stale=not known.is_fresh(field, now))
    states = [known]
    for said in during:
        states.append(states[-1].after(said))
        if said.kind in HARD:
            allowed.add(("error", HARD[said.kind]))
        elif said.kind in SOFT and (refresh or not states[-1].is_servable(field, now)):
            allowed.add(("error", SOFT[said.kind]))
    for state in states:
        if refresh and (state.answer is None or state.answer not in during or state.answer.prolonged):
            continue
        if state.is_fresh(field, now) or state.answer in during:
            allowed |= state.read(field, stale=False)
        elif state.failure in SOFT and state.is_servable(field, now):
            allowed |= state.read(field, stale=True)
    return allowed


def walked(links: Sequence[set[Result]], *, stale: bool = False) -> set[Result]:
    """Return what a reader may get of a chain whose links may say this."""
    if not links:
        return {("error", "unavailable"), ("error", "broken")} if stale else {("missing",)}
    results: set[Result] = set()
    for said in links[0]:
        if said[0] == "value":
            results.add(("value", said[1], bool(said[2]) or stale))
        elif said[0] == "error":
            results.add(said)
        else:
            results |= walked(links[1:], stale=stale or bool(said[1]))
    return results
