"""Opening a wrapping token: it can be opened once, so whoever finds it opened knows that somebody else was there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._reply import Reply, answered
from secretsource.resolvers.vault._auth._token import is_sendable
from secretsource.resolvers.vault._errors import decoded, failure_of

if TYPE_CHECKING:
    from secretsource.resolvers.vault._transport import Transport

__all__ = ["unwrapped"]

_GONE = (
    "the wrapping token in secret_id is used up or has expired: if nobody should have opened it before, its secret id "
    "is in other hands; destroy that, find out who had the token, and issue a new one"
)


def unwrapped(token: MaskedStr, mount: str, transport: Transport, deadline: Deadline) -> MaskedStr:
    """Return the secret id that a wrapping token holds.

    First it is checked that a role of *mount* made it: whoever reads the token on its way can open it, and put one of
    his own in its place, but not one that was made there.

    Raises:
        AccessDenied: It is used up, has expired, or holds something else.
        InvalidResponse: An answer is none.
        BackendUnavailable: The server cannot answer now.
    """
    if not is_sendable(token):
        raise resolver_error(
            Reason.DENIED, "the wrapping token in secret_id holds characters that no token has"
        )
    made_by = _text_in(_looked_up(token, transport, deadline), "creation_path")
    if re.fullmatch(rf"auth/{re.escape(mount)}/role/[^/]+/(custom-)?secret-id", made_by or "") is None:
        raise resolver_error(
            Reason.DENIED,
            f"the wrapping token in secret_id was not made by a role of auth/{mount}: somebody may have put it there "
            "in place of the right one",
        )
    secret_id = _text_in(_opened(token, transport, deadline), "secret_id")
    if not secret_id:
        raise resolver_error(Reason.BROKEN, "the wrapping token in secret_id holds no secret id")
    return secret_id


def _looked_up(token: MaskedStr, transport: Transport, deadline: Deadline) -> Reply:
    from secretsource.resolvers.vault._adapter import CallAdapter

    path = "/v1/sys/wrapping/lookup"
    outcome: Reply | ResolverError = CallAdapter(transport, path, None, deadline).post(
        path, json={"token": token}
    )
    return _good(answered(outcome))


def _opened(token: MaskedStr, transport: Transport, deadline: Deadline) -> Reply:
    from secretsource.resolvers.vault._adapter import CallAdapter

    path = "/v1/sys/wrapping/unwrap"
    outcome: Reply | ResolverError = CallAdapter(transport, path, token, deadline).post(path)
    return _good(answered(outcome))


def _good(reply: Reply) -> Reply:
    failure = failure_of(reply, login=True, hint=_GONE)
    if failure is not None:
        raise failure
    return reply


def _text_in(reply: Reply, key: str) -> MaskedStr | None:
    """Return a text of an answer; nothing is raised from here, as the local variables show it."""
    data = (decoded(reply.body) or {}).get("data")
    found = data.get(key) if isinstance(data, dict) else None
    return MaskedStr(found) if isinstance(found, str) else None
