"""Parameter Store: its operations, its error codes, and how it says that a parameter is not there."""

from __future__ import annotations

from secretsource._reference import shown
from secretsource._secret import NotThere
from secretsource.errors import Reason
from secretsource.resolvers import Location
from secretsource.resolvers._aws._codes import BROKEN, CODES, MISSING, NO_KEY, SERVER, THROTTLED, table
from secretsource.resolvers._aws._failure import Meaning
from secretsource.resolvers._aws._service import Service

__all__ = ["SERVICE"]

_NO_NAME = "Parameter name: can't be prefixed with"  # what AWS says of every name that it does not allow

_FULL = Meaning(
    Reason.BROKEN, "the account has no room for another parameter: delete some, or raise the quota"
)
_LABELLED = Meaning(
    Reason.BROKEN,
    "the oldest of its 100 versions has a label, which keeps it: move the label to another version",
)

_GROUPS = (
    (MISSING, "ParameterNotFound ParameterVersionNotFound"),
    (NO_KEY, "InvalidKeyId"),
    (THROTTLED, "TooManyUpdates"),
    (SERVER, "InternalServerError"),
    (_FULL, "ParameterLimitExceeded"),
    (_LABELLED, "ParameterMaxVersionLimitExceeded"),
    (BROKEN, "InvalidFilterKey InvalidFilterOption InvalidFilterValue InvalidNextToken"),
    (BROKEN, "ParameterAlreadyExists ParameterPatternMismatchException UnsupportedParameterType"),
    (BROKEN, "HierarchyLevelLimitExceededException HierarchyTypeMismatchException"),
    (BROKEN, "InvalidAllowedPatternException PoliciesLimitExceededException"),
    (BROKEN, "InvalidPolicyTypeException InvalidPolicyAttributeException IncompatiblePolicyException"),
)


def _not_there(code: str, words: str, location: Location) -> NotThere | None:
    """Say what of the parameter is missing, as far as AWS says it."""
    if code == "ValidationException" and words.startswith(_NO_NAME):
        return NotThere(Reason.MISSING, "no parameter can have this name")
    if code != "ParameterVersionNotFound":
        return None
    if location.stage is not None:
        return NotThere(Reason.MISSING, f"no version has the stage {shown(location.stage)}")
    return NotThere(Reason.MISSING, "no such version")


SERVICE = Service(
    name="ssm",
    thing="parameter",
    reads=frozenset({"GetParameter", "GetParameters", "GetParametersByPath", "DescribeParameters"}),
    writes=frozenset({"PutParameter"}),
    codes=CODES | table(_GROUPS),
    not_there=_not_there,
)
