"""Errors of taking a role: they cross the frames of botocore, and are known again on the other side."""

from __future__ import annotations

from secretsource._reference import shown
from secretsource.errors import AccessDenied, ConfigError, Reason, SecretSourceError, resolver_error
from secretsource.resolvers._aws._codes import CODES, table
from secretsource.resolvers._aws._failure import Failure, Meaning
from secretsource.resolvers._aws._service import Service

__all__ = ["NO_CREDENTIALS", "STS", "LoginDenied", "LoginStale", "refused"]

NO_CREDENTIALS = Failure(Reason.BROKEN, "HTTP 200 without credentials")

_TRUST = (
    "allow {right} on {thing}, and let its trust policy name who takes it, with the external id if it has one"
)
_DURATION = "STS does not give such credentials: role_duration may be more than the role allows"
_INACTIVE = "STS is not active in this region"
_GROUPS = (
    (Meaning(Reason.DENIED, _TRUST), "AccessDenied AccessDeniedException"),
    (Meaning(Reason.DENIED, _DURATION), "ValidationError"),
    (Meaning(Reason.DENIED, _INACTIVE), "RegionDisabledException"),
)

STS = Service(name="sts", thing="role", reads=frozenset({"AssumeRole"}), codes=CODES | table(_GROUPS))


class LoginDenied(AccessDenied):
    """A login was refused, not a read."""


class LoginStale(LoginDenied):
    """The credentials that it was made with are expired or unknown; newer ones may be found."""


def refused(failure: Failure, role: str) -> SecretSourceError:
    """Return the error to raise for a *role* that could not be taken.

    Args:
        failure: What STS said.
        role: Its ARN; it is the location of the error, too, which tells that the server is named already.
    """
    detail = f"taking the role {shown(role)}: {failure.detail}"
    if failure.reason is None:
        return ConfigError(detail)
    if failure.reason is Reason.DENIED:
        return (LoginStale if failure.ask_again else LoginDenied)(detail, location=role)
    return resolver_error(failure.reason, detail, location=role, retry_after=failure.retry_after)
