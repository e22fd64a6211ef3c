"""What Conjur's answers mean: one decision for every status, and what a body must look like to be a value.

Held to exchanges that were recorded from Conjur 1.24.
"""

from __future__ import annotations

import re

from secretsource._reference import shown
from secretsource._secret import Document, NotThere, text_or_bytes
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._reply import Reply

__all__ = ["DECISIONS", "decide", "document_of", "failure_of", "is_missing"]

_REQUEST_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

# The first range that holds the status decides, so the special ones stand before their class.
DECISIONS: tuple[tuple[range, Reason, str], ...] = (
    (range(100, 200), Reason.BROKEN, "not a final answer"),
    (range(200, 300), Reason.BROKEN, "an answer without a value"),
    (range(300, 400), Reason.BROKEN, "redirect not followed: set url to where Conjur is"),
    (range(401, 402), Reason.DENIED, ""),
    (range(403, 404), Reason.DENIED, ""),
    (range(404, 405), Reason.BROKEN, "not Conjur's own 404: is url, with its path, right?"),
    (range(407, 408), Reason.BROKEN, "a proxy wants a login"),
    (range(408, 409), Reason.TIMEOUT, ""),
    (range(425, 426), Reason.SERVER, ""),
    (range(429, 430), Reason.THROTTLED, ""),
    (range(400, 500), Reason.BROKEN, ""),
    (range(500, 600), Reason.SERVER, ""),
)


def decide(status: int) -> tuple[Reason, str]:
    """Return what a status that brings no value means, and what to say of it."""
    found = next(((reason, hint) for statuses, reason, hint in DECISIONS if status in statuses), None)
    return found or (Reason.BROKEN, "no HTTP status")


def failure_of(reply: Reply, hint: str = "") -> ResolverError:
    """Return the error for an answer that brings no value.

    Args:
        reply: The answer.
        hint: What a denial means here, in words from the fixed vocabulary.
    """
    reason, usual = decide(reply.status)
    said = hint if reason is Reason.DENIED else usual
    request_id = reply.header("x-request-id")
    parts = [
        reply.said,
        said,
        f"request {request_id}" if _REQUEST_ID.fullmatch(request_id) else "",
    ]
    return resolver_error(
        reason,
        "; ".join(part for part in parts if part),
        retry_after=reply.retry_after,
    )


def document_of(reply: Reply, *, login: str, version: str | None) -> Document | NotThere | ResolverError:
    """Return what the answer to a read means."""
    if reply.status == 200:
        if _is_value(reply):
            return Document(value=text_or_bytes(reply.body), version=version)
        return resolver_error(
            Reason.BROKEN, f"{reply.said}; a page or nothing in place of a value: is url right?"
        )
    if is_missing(reply):
        return NotThere(Reason.MISSING, f"missing, or not visible to {shown(login)}", may_be_hidden=True)
    return failure_of(reply, denial_of(reply, login))


def denial_of(reply: Reply, login: str) -> str:
    """Say what a 401 or 403 to a read means."""
    if reply.status == 401:
        return f"the token of {shown(login)} was refused, also after a new login"
    return f"{shown(login)} may see it, not execute it"


def is_missing(reply: Reply) -> bool:
    """Whether this is Conjur's own 404; any other one comes from a wrong address."""
    if reply.status != 404:
        return False
    answer = reply.json()
    error = answer.get("error") if isinstance(answer, dict) else None
    return isinstance(error, dict) and error.get("code") == "not_found"


def _is_value(reply: Reply) -> bool:
    """Any bytes are a value when Conjur's disposition is there; without it, neither a page nor nothing is one."""
    if reply.header("Content-Disposition").startswith("attachment"):
        return True
    return bool(reply.body) and not reply.header("Content-Type").startswith(
        ("text/html", "application/xhtml")
    )
