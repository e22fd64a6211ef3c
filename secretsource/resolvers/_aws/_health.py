"""Who we are for AWS: one call of GetCallerIdentity, which needs no right and reads no secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._secret import NotThere
from secretsource.errors import Reason
from secretsource.resolvers import Health
from secretsource.resolvers._aws._calls import asked_with
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._quiet import own_call
from secretsource.resolvers._aws._sts import NOWHERE, STS
from secretsource.resolvers._retry import with_retries

__all__ = ["health_of"]

C = TypeVar("C")


def health_of(name: str, clients: PerProcess[Clients[C]], deadline: Deadline) -> Health:
    """Ask AWS who we are; see `SupportsCheck`.

    Args:
        name: The configured name of the resolver.
        clients: Its clients.
        deadline: When the answer is wanted.
    """
    with own_call(deadline):
        return with_retries(lambda: _attempt(name, clients), deadline)


def _attempt(name: str, clients: PerProcess[Clients[C]]) -> Health:
    said = asked_with(clients, Clients.identity, lambda client: client.get_caller_identity(), STS, NOWHERE)
    failure = _failure(said)
    if failure is not None:
        raise failure.error(name, "sts")
    session = clients.get().session()
    found = None if session is None else session.get_credentials()
    region = None if session is None else session.region
    method = str(getattr(found, "method", "") or "")
    parts = (f"region {region}" if region else "", f"credentials from {method}" if method else "")
    return Health(
        identity=str(said["Arn"]) if isinstance(said, Mapping) else "",
        expires_in=_expires_in(found),
        detail=", ".join(part for part in parts if part),
    )


def _failure(said: object) -> Failure | None:
    """Return why there is no identity in what was *said*; botocore takes any 200 for an answer."""
    if isinstance(said, Failure):
        return said
    arn = said.get("Arn") if isinstance(said, Mapping) and not isinstance(said, NotThere) else None
    return None if isinstance(arn, str) and arn else Failure(Reason.BROKEN, "HTTP 200 without an identity")


def _expires_in(credentials: object) -> float | None:
    """Return the seconds until *credentials* end; `None` if they do not, or botocore does not tell."""
    known = getattr(credentials, "expires_in", None)
    if isinstance(known, float):
        return known
    ends_at = getattr(credentials, "_expiry_time", None)
    if not isinstance(ends_at, datetime) or ends_at.tzinfo is None:
        return None
    return max(0.0, (ends_at - datetime.now(UTC)).total_seconds())
