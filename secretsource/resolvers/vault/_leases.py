"""Leases: what the server has lent to this process, and for how long."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field

from secretsource._secret import MaskedStr
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.vault._auth import Token
from secretsource.resolvers.vault._auth._token import LONGEST_LIFE
from secretsource.resolvers.vault._errors import decoded

__all__ = ["Lease", "Leases", "lease_of", "seconds_in"]


@dataclass(slots=True, kw_only=True, eq=False)
class Lease:
    """One lease. Its repr does not show its id, with which it could be revoked.

    Attributes:
        id: What the server calls it; a path and a random part.
        duration: The seconds for which it was lent in the beginning.
        ends_at: When it ends unless it is renewed, on the clock of the resolver.
        renewable: Whether the server may prolong it.
        token: The login that asked for it: the server ends both together.
        is_given_up: Whether it is not renewed any more: the server does not know it, or could not renew it and did not
            say why.
        shared: Whether it came through the cache of a proxy or an agent, which renews it and lends it to others too.
    """

    id: MaskedStr = field(repr=False)
    duration: float
    ends_at: float
    renewable: bool
    token: Token = field(repr=False)
    is_given_up: bool = False
    shared: bool = False

    @property
    def version(self) -> str:
        """What documents of this lease are told apart by: it shows nothing of the id."""
        return f"lease-{hashlib.sha256(self.id.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


class Leases:
    """The leases of one process, by the versions of the documents that they are for, until they end."""

    def __init__(self) -> None:
        self._known: dict[str, Lease] = {}
        self._lock = threading.Lock()

    def add(self, lease: Lease, now: float) -> None:
        """Remember what was lent."""
        with self._lock:
            self._known = {key: each for key, each in self._known.items() if each.ends_at > now}
            self._known[lease.version] = lease

    def get(self, version: str | None) -> Lease | None:
        """Return the lease of the document of that version, if it may go on."""
        lease = self._known.get(version or "")
        return None if lease is None or lease.is_given_up else lease

    def take_all(self) -> list[Lease]:
        """Return all leases and forget them."""
        with self._lock:
            taken, self._known = list(self._known.values()), {}
            return taken


def lease_of(reply: Reply, token: Token, *, started: float) -> Lease | None:
    """Return the lease that an answer speaks of, or `None` if it lends nothing.

    Args:
        reply: An answer with status 200.
        token: The login that was used.
        started: When it was asked for: what is counted from there ends before it does at the server.
    """
    answer = decoded(reply.body) or {}
    id_ = answer.get("lease_id")
    if not isinstance(id_, str) or not id_:
        return None
    duration = seconds_in(answer.get("lease_duration")) or 0  # lent for nobody knows how long: not kept
    return Lease(
        id=MaskedStr(id_),
        duration=duration,
        ends_at=started + duration,
        renewable=answer.get("renewable") is True,
        token=token,
        shared=bool(reply.header("X-Cache")),
    )


def seconds_in(found: object) -> int | None:
    """Return a number of seconds as the server writes it, or `None` if it is none; a huge one counts as 30 years."""
    if not isinstance(found, int) or isinstance(found, bool):
        return None
    return min(max(0, found), LONGEST_LIFE)
