"""From an answer of GetSecretValue to a document: the whole value, and its members where it is a JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from secretsource._secret import Document
from secretsource.errors import Reason
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._json import members
from secretsource.resolvers._oversize import is_larger

__all__ = ["document_of"]


def document_of(answer: Mapping[str, object], max_bytes: int) -> Document | Failure:
    """Return the document in *answer*; a `Failure` if there is none, as botocore takes any 200 for a success.

    Args:
        answer: What ``get_secret_value`` returned.
        max_bytes: The most bytes that a value may have.
    """
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
