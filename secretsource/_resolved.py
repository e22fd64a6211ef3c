"""From an answer that is kept to the secret that a reader gets."""

from __future__ import annotations

from secretsource._chain import Ask
from secretsource._clock import Clock
from secretsource._entries import Entry
from secretsource._secret import Secret

__all__ = ["are_same", "secret_from"]


def secret_from(name: str, ask: Ask, entry: Entry, *, stale: bool, clock: Clock) -> Secret:
    """Return the secret that *entry* holds for what is asked."""
    value = entry.pick(ask.location.field)
    assert value is not None, "the walk has looked"  # noqa: S101
    return Secret(
        name=name,
        source=ask.link.name,
        location=str(ask.location),
        version=entry.version,
        stale=stale,
        lease=entry.lease,
        masked_value=value,
        fetched_at=entry.fetched_at,
        clock=clock,
    )


def are_same(one: Secret, other: Secret) -> bool:
    """Whether both are the same version of the same secret."""
    return (
        one.source == other.source and one.version == other.version and one.masked_value == other.masked_value
    )
