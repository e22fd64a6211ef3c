"""One answer over HTTP, whole. Known without importing a client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from secretsource._secret import MaskedBytes
from secretsource.errors import ResolverError
from secretsource.resolvers._retry import retry_after

__all__ = ["MAX_BODY_OVERHEAD", "Reply", "answered"]

MAX_BODY_OVERHEAD = 64 * 1024  # bytes that a protocol may wrap around a value of the largest size


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer. Its repr shows neither headers nor body.

    Attributes:
        status: The HTTP status.
        headers: By name, in any case.
        body: Exact bytes, masked, as they may hold values and tokens; empty where the status alone decides.
        where: Host and port that answered, for messages.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: MaskedBytes = field(default=MaskedBytes(), repr=False)
    where: str = ""

    @property
    def said(self) -> str:
        """The status and who sent it, for messages."""
        return f"HTTP {self.status}" + (f" from {self.where}" if self.where else "")

    @property
    def retry_after(self) -> float | None:
        """The seconds that the server asks us to wait, or `None`."""
        return retry_after(self.headers.get("Retry-After"))

    def header(self, name: str) -> str:
        """Return a header in lower case, or empty."""
        return self.headers.get(name, "").strip().lower()

    def json(self) -> object:
        """Return what the body says; `None` if it is no JSON. Nothing is raised from here, as it may hold values."""
        try:
            found: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found


def answered(outcome: Reply | ResolverError) -> Reply:
    """Return the answer, or raise why there is none."""
    if isinstance(outcome, ResolverError):
        raise outcome
    return outcome
