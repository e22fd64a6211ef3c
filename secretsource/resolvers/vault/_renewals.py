"""Leases that go on, and leases that are given back."""

from __future__ import annotations

from functools import partial

from secretsource._deadline import Deadline
from secretsource._secret import Document
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    Reason,
    ResolverError,
    SecretSourceError,
    resolver_error,
)
from secretsource.resolvers._reply import Reply, answered
from secretsource.resolvers.vault._auth import Token
from secretsource.resolvers.vault._client import Call, Client, refusal
from secretsource.resolvers.vault._errors import decoded, failure_of
from secretsource.resolvers.vault._leases import Lease, seconds_in

__all__ = ["REVOKE", "look_up", "renew", "revoke_all"]

REVOKE = "sys/leases/revoke"
_LEASES = "/v1/sys/leases/"
_WORTH_IT = 1 / 3  # of what was lent first: with less left, another document is better
_EARLY = 1 / 2  # of it left: enough to look whether the lease is still there
_GONE = {400, 404}
_FAILED = "failed to "  # renew, or revoke
_OVER = "past the max TTL"  # said in the same sentence, where nothing has failed but the lease's longest time is over


def renew(client: Client, document: Document, token: Token, deadline: Deadline) -> float | None:
    """Let the lease of *document* go on.

    Vault is asked to prolong a lease that is half over or more, and only whether it is still there before: a renewal is
    written by the server, and passed on to the database.

    Returns:
        The seconds that are left; `None` if there is none any more, or so little that another document is better.

    Raises:
        ResolverError: The server cannot answer.
    """
    lease = client.leases.get(document.version)
    if lease is None:
        return None
    started = client.clock()
    seconds = _left(client, lease, token, deadline, early=lease.ends_at - started > lease.duration * _EARLY)
    if seconds is None:
        lease.is_given_up = True
        return None
    lease.ends_at = started + seconds
    if seconds < lease.duration * _WORTH_IT:
        return None
    # The server ends it together with the login that asked for it.
    if token.is_like(lease.token):
        return min(seconds, max(0.0, token.ends_at - started))  # nor would another one live longer
    left = min(seconds, lease.token.ends_at - started)
    return left if left >= lease.duration * _WORTH_IT else None


def _left(client: Client, lease: Lease, token: Token, deadline: Deadline, *, early: bool) -> float | None:
    """Return the seconds that *lease* lasts, prolonged where it is time for that; `None` if it is gone."""
    # An agent renews what it has lent, and would give us the answer to an older renewal.
    if early or not lease.renewable or lease.shared:
        try:
            return look_up(client, lease, token, deadline)
        except AccessDenied:
            if not lease.renewable or lease.shared:
                raise
    body = {"lease_id": lease.id, "increment": int(lease.duration)}
    return _ask(client, "renew", body, token, deadline)


def look_up(client: Client, lease: Lease, token: Token, deadline: Deadline) -> float | None:
    """Return the seconds that *lease* lasts; `None` if the server does not know it."""
    return _ask(client, "lookup", {"lease_id": lease.id}, token, deadline)


def _ask(
    client: Client, what: str, body: dict[str, object], token: Token, deadline: Deadline
) -> float | None:
    """Return the seconds that the answer speaks of; `None` if the server does not know the lease."""
    reply = answered(client.send("PUT", _LEASES + what, token, deadline, body))
    if _is_gone(reply):
        return None
    failure = failure_of(reply)
    if failure is not None:
        raise failure
    answer = decoded(reply.body) or {}
    data = answer.get("data")
    seconds = seconds_in(data.get("ttl") if isinstance(data, dict) else answer.get("lease_duration"))
    if seconds is not None:
        return seconds
    raise resolver_error(Reason.BROKEN, f"{reply.said} says nothing of the lease")


def _is_gone(reply: Reply) -> bool:
    """Whether the server says that it does not know the lease, or cannot renew it.

    Raises:
        BackendUnavailable: It says, with the same status, that what is behind it failed, such as the database.
    """
    errors = (decoded(reply.body) or {}).get("errors") if reply.status in _GONE else None
    if not isinstance(errors, list):
        return False
    failed = any(isinstance(text, str) and text.startswith(_FAILED) and _OVER not in text for text in errors)
    if not failed:
        return True
    raise resolver_error(Reason.SERVER, f"{reply.said}: what is behind the lease cannot be reached")


def revoke_all(client: Client, deadline: Deadline) -> tuple[int, SecretSourceError | None]:
    """Give all leases back that this process alone holds; how many could not be, and why the last of them.

    Nothing more is asked of a server that cannot answer.
    """
    now = client.clock()
    leases = [lease for lease in client.leases.take_all() if lease.ends_at > now and not lease.shared]
    kept = 0
    why: SecretSourceError | None = None
    for number, lease in enumerate(leases):
        try:
            Call(client, partial(_revoke, client, lease, deadline), deadline).attempt()
        except ResolverError as error:
            kept, why = kept + 1, error.copy()
            if isinstance(error, BackendUnavailable) and error.reason is not Reason.SERVER:
                return len(leases) - number + kept - 1, why
        except SecretSourceError as error:  # a credential that cannot be read
            kept, why = kept + 1, type(error)(*error.args)
    return kept, why


def _revoke(client: Client, lease: Lease, deadline: Deadline, token: Token) -> None:
    reply = answered(client.send("PUT", _LEASES + "revoke", token, deadline, {"lease_id": lease.id}))
    if reply.status == 204 or _is_gone(reply):
        return
    failure = refusal(reply, f"/v1/{REVOKE}", rights=["update"])
    if failure is not None:
        raise failure
