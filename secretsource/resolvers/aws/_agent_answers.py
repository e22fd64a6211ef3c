"""What an agent on this machine answers: the words of GetSecretValue, errors of AWS, and its own."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping

from secretsource._secret import Document, MaskedBytes, NotThere
from secretsource.errors import Reason
from secretsource.resolvers import Location
from secretsource.resolvers._aws._errors import Answered, refusal
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.aws._agent_settings import AgentSettings
from secretsource.resolvers.aws._document import document_of
from secretsource.resolvers.aws._service import SERVICE

__all__ = ["answer_of"]

_OPERATION = "GetSecretValue"
# The agent does not escape the message that follows, so what it answers need not be JSON.
_CODE = re.compile(r'\s*\{\s*"__type"\s*:\s*"(?:[A-Za-z0-9._]{0,64}#)?([A-Za-z]{1,64})"', re.ASCII)
_WORD = re.compile(r"\b[A-Z][A-Za-z]{3,63}\b", re.ASCII)
_STARTING = "not ready to serve traffic"
_TOKEN = "it refuses the token"  # noqa: S105 - words


def answer_of(
    reply: Reply, location: Location, settings: AgentSettings, max_bytes: int
) -> Document | NotThere | Failure:
    """Return what *reply* says of the secret at *location*.

    Args:
        reply: The answer.
        location: What was asked for.
        settings: Who was asked.
        max_bytes: The most bytes that a value may have.
    """
    if reply.status == 200:
        said = _read(reply.body)
        if said is None:
            return Failure(Reason.BROKEN, f"{reply.said}: no answer of Secrets Manager")
        return document_of(said, max_bytes, location)
    words = reply.body.decode("utf-8", "replace")
    code = _code(words, location, settings)
    if code:
        answer = Answered(reply.status, wait=reply.retry_after)
        failure = refusal(SERVICE, location, operation=_OPERATION, code=code, words=words, answer=answer)
        return failure if isinstance(failure, NotThere) else _through(failure, settings)
    return _through(_own(reply, _STARTING in words), settings)


def _own(reply: Reply, is_starting: bool) -> Failure:
    """Read what the agent says itself."""
    if is_starting:
        return Failure(
            Reason.SERVER, f"{reply.said}: it serves when the function has started; read in its handler"
        )
    if reply.status in {401, 403}:
        return Failure(Reason.DENIED, f"{reply.said}: {_TOKEN}")
    if reply.status == 429:
        return Failure(Reason.THROTTLED, f"{reply.said}: too many connections", retry_after=reply.retry_after)
    if reply.status >= 500:
        return Failure(Reason.SERVER, reply.said, retry_after=reply.retry_after)
    return Failure(Reason.BROKEN, reply.said)


def _through(failure: Failure, settings: AgentSettings) -> Failure:
    """Say who answered: the rights that are missing are those of the agent."""
    return Failure(
        failure.reason, f"through {settings.what}: {failure.detail}", retry_after=failure.retry_after
    )


def _code(words: str, location: Location, settings: AgentSettings) -> str:
    """Return the error code of AWS in an answer, or empty.

    The extension answers in plain words; what it means is told by the one code of AWS in them.
    """
    found = _CODE.match(words)
    if found:
        return found[1]
    if settings.has_ping:
        return ""
    told = words.replace(location.address, "")
    known = {word for word in _WORD.findall(told) if word in SERVICE.codes}
    return known.pop() if len(known) == 1 else ""


def _read(body: MaskedBytes) -> Mapping[str, object] | None:
    """Return a good answer as botocore would; `None` if it is none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    binary = said.get("SecretBinary")
    if binary is None:
        return said
    try:
        return said | {"SecretBinary": base64.b64decode(binary, validate=True)}
    except (TypeError, ValueError, binascii.Error):
        return None
