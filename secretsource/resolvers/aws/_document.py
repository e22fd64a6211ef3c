"""From an answer of GetSecretValue to a document: the whole value, and its members where it is a JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from secretsource._secret import Document
from secretsource.errors import Reason
from secretsource.resolvers import Location
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._json_object import members
from secretsource.resolvers._oversize import is_larger

__all__ = ["document_of"]


def document_of(
    answer: Mapping[str, object], max_bytes: int, asked: Location | None = None
) -> Document | Failure:
    """Return the document in *answer*; a `Failure` if there is none, as botocore takes any 200 for a success.

    Args:
        answer: What ``get_secret_value`` returned.
        max_bytes: The most bytes that a value may have.
        asked: What was asked for; an answer that says it is about something else is none.
    """
    if asked is not None and _is_other(answer, asked):
        return Failure(
            Reason.BROKEN, "HTTP 200 with another secret or version than the one that was asked for"
        )
    text, binary = answer.get("SecretString"), answer.get("SecretBinary")
    value = binary if text is None else text
    # AWS stores no empty binary; botocore makes one of what is not base64.
    if not isinstance(value, str | bytes) or value == b"":
        return Failure(Reason.BROKEN, "HTTP 200 without a SecretString or SecretBinary")
    if is_larger(value, max_bytes):
        return Failure(Reason.BROKEN, f"more than {max_bytes} bytes")
    version, created = answer.get("VersionId"), answer.get("CreatedDate")
    return Document(
        value=value,
        fields=members(value) if isinstance(value, str) else {},
        version=version if isinstance(version, str) else None,
        created=created if isinstance(created, datetime) else None,
    )


def _is_other(answer: Mapping[str, object], asked: Location) -> bool:
    """Whether *answer* says that it is about another secret, version or stage."""
    name, version, stages = (answer.get(member) for member in ("Name", "VersionId", "VersionStages"))
    if isinstance(name, str) and name != asked.address and not asked.address.startswith("arn:"):
        return True
    if asked.version is not None and isinstance(version, str) and version != asked.version:
        return True
    return asked.stage is not None and isinstance(stages, list) and asked.stage not in stages
