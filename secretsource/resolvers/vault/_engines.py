"""Secrets engines other than KV, which make credentials or keep them: what their answers hold."""

from __future__ import annotations

from secretsource._secret import Document, NotThere
from secretsource.errors import Reason
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.vault._errors import decoded, is_missing
from secretsource.resolvers.vault._kv import texts_of
from secretsource.resolvers.vault._leases import seconds_in

__all__ = ["ADVICE", "document_of", "not_there"]

ADVICE = {
    204: "nothing is set up at this path",
    400: "the engine refuses this path: check it with 'bao read', or 'vault read'",
    405: "this path is written to, as that of 'bao write' is: it cannot be read as a secret",
}
"""What to do after a status that other engines have for reads."""

_UNKNOWN = ("unknown role: ", "unknown key: ")
_LEAST = 1  # seconds; the last one before a rotation comes as 0


def not_there(reply: Reply) -> NotThere | None:
    """Return what a 404 or 400 says if it is the engine's own, or `None` if it is not."""
    if reply.status == 404 and is_missing(reply.body):
        return NotThere(Reason.MISSING)
    errors = (decoded(reply.body) or {}).get("errors")
    if reply.status == 400 and isinstance(errors, list) and len(errors) == 1:
        said = errors[0]
        if isinstance(said, str) and said.startswith(_UNKNOWN):
            return NotThere(Reason.MISSING, said.partition(":")[0])
    return None


def document_of(reply: Reply) -> Document | str:
    """Return the document in an answer with status 200; a text says why there is none.

    Nothing is raised from here, as the local variables show values.
    """
    answer = decoded(reply.body) or {}
    if answer.get("wrap_info"):
        return "is wrapped: what is read must not be"
    data = answer.get("data")
    texts = texts_of(data) if isinstance(data, dict) else None
    if texts is None or not isinstance(data, dict):
        return "holds no document"
    return Document(fields=texts, lease=_until_rotation(data))


def _until_rotation(data: dict[str, object]) -> float | None:
    """Return the seconds until the server changes the password of a static role, which it does not call a lease."""
    seconds = seconds_in(data.get("ttl")) if "last_vault_rotation" in data else None
    return None if seconds is None else max(seconds, _LEAST)
