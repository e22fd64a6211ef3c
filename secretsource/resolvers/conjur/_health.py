"""Who Conjur takes us for."""

from __future__ import annotations

from secretsource import _clock
from secretsource._deadline import Deadline
from secretsource._reference import shown
from secretsource.errors import Reason, resolver_error
from secretsource.resolvers import Health
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD, Reply
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.conjur._answers import failure_of
from secretsource.resolvers.conjur._session import Session

__all__ = ["health_of"]


def health_of(session: Session, deadline: Deadline) -> Health:
    """Return login, account, and the seconds that the token lives.

    Raises:
        ResolverError: Conjur said no, cannot answer, or what answered is not Conjur.
    """

    def attempt() -> Health:
        reply, token = session.ask("/whoami", deadline, limit=MAX_BODY_OVERHEAD)
        if reply.status != 200:
            raise failure_of(reply, f"the token of {shown(token.login)} was refused, also after a new login")
        identity = _told_by(reply)
        if not identity:
            raise resolver_error(Reason.BROKEN, f"{reply.said}; it does not say who we are: is url right?")
        left = max(0.0, token.ends_at - _clock.now())
        return Health(identity=identity, expires_in=left, detail=f"{reply.where} has answered")

    return with_retries(attempt, deadline)


def _told_by(reply: Reply) -> str:
    said = reply.json()
    login, account = map(said.get, ("username", "account")) if isinstance(said, dict) else (None, None)
    return f"{login}@{account}" if isinstance(login, str) and isinstance(account, str) else ""
