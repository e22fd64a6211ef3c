"""The life of a token: what the server says of it, and how it goes on without a new login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, InvalidResponse, Reason, ResolverError
from secretsource.resolvers._reply import Reply, answered
from secretsource.resolvers.vault._auth._token import LONGEST_LIFE, Token
from secretsource.resolvers.vault._errors import decoded, failure_of

if TYPE_CHECKING:
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["look_up", "looked_up", "renew"]

_ENOUGH = 1 / 2  # of the life that was asked for
_LOOK_UP_SECONDS = 3.0  # what finding out about a given token may take
_AGAIN_AFTER = 10.0  # seconds after a look-up that failed
_NOBODY_THERE = frozenset({Reason.DNS, Reason.REFUSED, Reason.TLS})


def renew(token: Token, transport: Transport, deadline: Deadline, clock: Clock) -> bool:
    """Have the server let *token* live on, and return whether that is long enough.

    It is not where the token cannot be renewed, or is near the end that no renewal moves (its ``max_ttl``): it is then
    time for another one.

    Raises:
        BackendUnavailable: The server cannot answer now.
    """
    if not token.renewable:
        return False
    from secretsource.resolvers.vault._adapter import CallAdapter

    started = clock()
    path = "/v1/auth/token/renew-self"
    adapter = CallAdapter(transport, path, token.value, deadline)
    outcome: Reply | ResolverError = adapter.post(path, json={"increment": int(token.life)})
    reply = answered(outcome)
    failure = failure_of(reply, login=True)
    if isinstance(failure, AccessDenied | InvalidResponse):
        return False
    if failure is not None:
        raise failure
    auth = (decoded(reply.body) or {}).get("auth")
    seconds = auth.get("lease_duration") if isinstance(auth, dict) else None
    if not isinstance(auth, dict) or not isinstance(seconds, int) or seconds <= 0:
        return False
    token.lives_for(seconds, started)
    token.renewable = auth.get("renewable") is True
    return min(seconds, LONGEST_LIFE) >= token.life * _ENOUGH


def looked_up(token: Token, transport: Transport, deadline: Deadline, clock: Clock) -> Token:
    """Return *token* with what the server says of its life, where it says it.

    A policy may forbid to ask, and a token is then used as it is: a server that refuses it will say so when it is asked
    for a secret. One that cannot answer this now is asked again later.

    Raises:
        BackendUnavailable: There is no server, or TLS failed.
    """
    started = clock()
    short = Deadline(min(deadline.remaining / 2, _LOOK_UP_SECONDS))
    outcome = look_up(token, transport, short)
    failure = outcome if isinstance(outcome, ResolverError) else failure_of(outcome)
    if failure is not None and failure.reason in _NOBODY_THERE:
        raise failure
    if isinstance(outcome, ResolverError) or failure is not None:
        if not isinstance(failure, AccessDenied | InvalidResponse):
            token.renew_at = started + _AGAIN_AFTER
        return token
    data = (decoded(outcome.body) or {}).get("data")
    data = data if isinstance(data, dict) else {}
    if (seconds := _whole(data.get("ttl"))) > 0:
        token.lives_for(seconds, started)
        token.life = min(
            _whole(data.get("period")) or _whole(data.get("creation_ttl")) or seconds, LONGEST_LIFE
        )
        token.renewable = data.get("renewable") is True and not data.get("num_uses")
    return token


def look_up(token: Token, transport: Transport, deadline: Deadline) -> Reply | ResolverError:
    """Ask the server for what it knows of *token*, and return its answer, whatever the status, or why there is none."""
    from secretsource.resolvers.vault._adapter import CallAdapter

    path = "/v1/auth/token/lookup-self"
    outcome: Reply | ResolverError = CallAdapter(transport, path, token.value, deadline).get(path)
    return outcome


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
