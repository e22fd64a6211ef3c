"""What came back for one request to a Vault server."""

from __future__ import annotations

from dataclasses import dataclass, field

from secretsource._secret import MaskedBytes
from secretsource.errors import ResolverError

__all__ = ["Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request: an answer, or a *failure* and no answer.

    Attributes:
        status: The HTTP status; 0 where there was no answer.
        body: The body; masked, as it holds values and tokens.
        target: The ``Location`` of a redirect, or empty.
        retry_after: The seconds of a ``Retry-After``, or `None`.
        failure: Why there is no answer, for the caller to raise.
    """

    status: int = 0
    body: MaskedBytes = field(default=MaskedBytes(), repr=False)
    target: str = field(default="", repr=False)
    retry_after: float | None = None
    failure: ResolverError | None = None
