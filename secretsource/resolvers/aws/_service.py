"""Secrets Manager: its operations, its error codes, and how it says that a secret is not there."""

from __future__ import annotations

import re

from secretsource._reference import shown
from secretsource._secret import NotThere
from secretsource.errors import Reason
from secretsource.resolvers import Location
from secretsource.resolvers._aws._codes import BROKEN, CODES, MISSING, NO_KEY, SERVER, table
from secretsource.resolvers._aws._failure import Meaning
from secretsource.resolvers._aws._service import Service

__all__ = ["SERVICE"]

_DELETED = re.compile(r"\b(marked|scheduled|was)\b.{0,8}\bdelet(ed|ion)\b", re.IGNORECASE)

_GROUPS = (
    (MISSING, "ResourceNotFoundException"),
    (NO_KEY, "DecryptionFailure EncryptionFailure"),
    (SERVER, "InternalServiceError"),
    (BROKEN, "InvalidRequestException InvalidParameterException InvalidNextTokenException"),
    (BROKEN, "MalformedPolicyDocumentException PreconditionNotMetException"),
    (BROKEN, "PublicPolicyException"),
    (Meaning(Reason.CONFLICT, "it was created by somebody else"), "ResourceExistsException"),
)


def _not_there(code: str, words: str, location: Location) -> NotThere | None:
    """Say what of the secret is missing, as far as AWS says it: the stage, the version, or all of it."""
    if code == "InvalidRequestException" and _DELETED.search(words):
        return NotThere(Reason.DELETED, "scheduled for deletion")
    if code != "ResourceNotFoundException":
        return None
    if "staging label" in words:
        return NotThere(Reason.MISSING, f"no version has the stage {shown(location.stage or 'AWSCURRENT')}")
    if location.version is not None or location.stage is not None:
        return NotThere(Reason.MISSING, "no such secret, version or stage")
    return NotThere(Reason.MISSING)


SERVICE = Service(
    name="secretsmanager",
    thing="secret",
    reads=frozenset({"GetSecretValue", "BatchGetSecretValue"}),
    writes=frozenset({"PutSecretValue", "CreateSecret", "UpdateSecretVersionStage"}),
    codes=CODES | table(_GROUPS),
    not_there=_not_there,
)
