"""Who the server takes us for, how long our login lasts, and how the server is; no secret is read for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._reference import shown
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers import Health
from secretsource.resolvers._reply import Reply, answered
from secretsource.resolvers.vault._auth import Token, look_up
from secretsource.resolvers.vault._errors import decoded, failure_of

if TYPE_CHECKING:
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["health_of"]

_HINT = (
    "check the login; if reads work, the policy lacks: "
    'path "auth/token/lookup-self" { capabilities = ["read"] }, which the policy default has'
)
_HEALTH_SECONDS = 2.0  # what is nice to know may take


def health_of(transport: Transport, token: Token, deadline: Deadline) -> Health:
    """Ask the server for what it knows of *token*, and of itself.

    Raises:
        AccessDenied: It refuses the token.
        BackendUnavailable: It cannot answer now.
        InvalidResponse: Its answer is none.
    """
    reply = answered(look_up(token, transport, deadline))
    failure = failure_of(reply, hint=_HINT)
    if failure is not None:
        raise failure
    found = _of_token(reply)
    if found is None:
        raise resolver_error(Reason.BROKEN, f"the answer of {reply.where} to a look-up of the token is none")
    identity, expires_in = found
    return Health(identity=identity, expires_in=expires_in, detail=_of_server(transport, deadline))


def _of_token(reply: Reply) -> tuple[str, float | None] | None:
    """Return who we are and when that ends; nothing is raised from here, as the local variables show the token."""
    data = (decoded(reply.body) or {}).get("data")
    if not isinstance(data, dict) or not isinstance(data.get("display_name"), str):
        return None
    policies = [*_texts(data.get("policies")), *_texts(data.get("identity_policies"))]
    who = _plain(data["display_name"]) + f" (policies: {', '.join(map(_plain, policies)) or 'none'})"
    ttl = data.get("ttl")
    return who, float(ttl) if isinstance(ttl, int) and ttl > 0 else None


def _of_server(transport: Transport, deadline: Deadline) -> str:
    """Return version and state, as far as the server tells them to anybody; each status has the same body."""
    from secretsource.resolvers.vault._adapter import CallAdapter

    path = "/v1/sys/health"
    short = Deadline(min(deadline.remaining / 2, _HEALTH_SECONDS))
    # Below a namespace it is not there.
    outcome: Reply | ResolverError = CallAdapter(transport, path, None, short, namespaced=False).get(path)
    said = decoded(outcome.body) if isinstance(outcome, Reply) else None
    if said is None or not isinstance(said.get("version"), str):
        return ""
    states = [state for state in ("sealed", "standby", "performance_standby") if said.get(state) is True]
    return f"version {_plain(said['version'])}, {' and '.join(states).replace('_', ' ') or 'active'}"


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _plain(text: object) -> str:
    """Return what a server wrote without what a terminal would take for an order."""
    return shown(text)[1:-1]
