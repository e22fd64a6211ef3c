"""The error codes of AWS, and what each means; the codes of one service alone stand with its `Service`.

They are those of the page of common errors, and the ones that all services share. An answer without a known code is
judged by its HTTP status.
"""

from __future__ import annotations

from collections.abc import Iterable

from secretsource.errors import Reason
from secretsource.resolvers._aws._failure import Meaning

__all__ = ["BROKEN", "CODES", "KMS_ADVICE", "MISSING", "NO_KEY", "SERVER", "THROTTLED", "of_status", "table"]

_ALLOW = "allow {right} on {thing}"
KMS_ADVICE = "allow {key_right} on the key of {thing}"
_UNKNOWN = "AWS does not know the access key: see which one is used with 'aws sts get-caller-identity'"
_SIGNATURE = "the secret access key is wrong, or the clock of this machine is"
_EXPIRED = "the session token has expired and no newer one was found: log in again"

#: Not there.
MISSING = Meaning(Reason.MISSING)
#: The key of KMS may not be used, or cannot.
NO_KEY = Meaning(Reason.DENIED, KMS_ADVICE)
THROTTLED = Meaning(Reason.THROTTLED)
SERVER = Meaning(Reason.SERVER)
BROKEN = Meaning(Reason.BROKEN)

_DENIED = Meaning(Reason.DENIED, _ALLOW)
_STRANGER = Meaning(Reason.DENIED, _UNKNOWN, login=True, again=True)
_STALE = Meaning(Reason.DENIED, _EXPIRED, login=True, again=True)
_UNSIGNED = Meaning(Reason.DENIED, _SIGNATURE, login=True)

_GROUPS: tuple[tuple[Meaning, str], ...] = (
    (_DENIED, "AccessDeniedException AccessDenied UnauthorizedOperation NotAuthorized UnauthorizedException"),
    (_STRANGER, "UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId"),
    (_STALE, "ExpiredTokenException ExpiredToken"),
    (_UNSIGNED, "InvalidSignatureException SignatureDoesNotMatch RequestExpired"),
    (_UNSIGNED, "IncompleteSignature IncompleteSignatureException"),
    (_UNSIGNED, "MissingAuthenticationToken MissingAuthenticationTokenException"),
    (Meaning(Reason.DENIED, "the account has no access to the service in this region"), "OptInRequired"),
    (THROTTLED, "Throttling ThrottlingException ThrottledException TooManyRequestsException SlowDown"),
    (THROTTLED, "RequestThrottled RequestThrottledException RequestLimitExceeded LimitExceededException"),
    (THROTTLED, "BandwidthLimitExceeded"),
    (SERVER, "InternalServiceErrorException InternalServiceFailure InternalFailure"),
    (SERVER, "InternalServerError InternalServerException ServiceUnavailable ServiceUnavailableException"),
    (SERVER, "RequestTimeout RequestTimeoutException"),
    (BROKEN, "ValidationException ValidationError InvalidParameterValue InvalidParameterCombination"),
    (BROKEN, "InvalidAction UnknownOperationException MalformedHttpRequestException"),
    (BROKEN, "SerializationException RequestEntityTooLargeException"),
)


def table(groups: Iterable[tuple[Meaning, str]]) -> dict[str, Meaning]:
    """Return the meaning of each code of *groups*, in which the codes are separated by blanks."""
    return {code: meaning for meaning, codes in groups for code in codes.split()}


CODES: dict[str, Meaning] = table(_GROUPS)


def of_status(status: int) -> Meaning:
    """Return what an HTTP status means where the answer has no known code, as that of a proxy."""
    if status in {401, 403}:
        return Meaning(Reason.DENIED)
    if status == 429:
        return THROTTLED
    if 300 <= status < 400:
        return Meaning(Reason.BROKEN, "a redirect, which is not followed: check endpoint_url")
    return SERVER if status >= 500 else BROKEN
