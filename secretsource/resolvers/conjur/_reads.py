"""Reading one variable."""

from __future__ import annotations

from urllib.parse import quote

from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere
from secretsource.errors import ResolverError
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.conjur._answers import document_of
from secretsource.resolvers.conjur._session import Session

__all__ = ["read_variable"]


def read_variable(
    session: Session, account: str, variable: str, deadline: Deadline, *, version: str | None, max_bytes: int
) -> Document | NotThere:
    """Return the value of one variable, or that it is not there.

    Args:
        session: The conversation to ask in.
        account: Conjur's account.
        variable: The plain id; it is sent as one percent-encoded piece.
        deadline: When the value is wanted.
        version: The version, or `None` for the newest. No answer tells it, so that of the newest stays unknown.
        max_bytes: The most bytes a value may have.

    Raises:
        ResolverError: Conjur said no, cannot answer, or what answered is not Conjur.
    """
    path = f"/secrets/{quote(account, safe='')}/variable/{quote(variable, safe='')}"
    target = path if version is None else f"{path}?version={version}"

    def attempt() -> Document | NotThere:
        reply, token = session.ask(target, deadline, limit=max_bytes)
        meant = document_of(reply, login=token.login, version=version)
        if isinstance(meant, ResolverError):
            raise meant
        return meant

    return with_retries(attempt, deadline)
