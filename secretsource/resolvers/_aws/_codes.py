"""The error codes that GetSecretValue answers with, and what each means.

The codes are those of the service's model, of its page of common errors, and the ones that all services of AWS share.
An answer without a known code is judged by its HTTP status.
"""

from __future__ import annotations

from secretsource.errors import Reason
from secretsource.resolvers._aws._failure import Meaning

__all__ = ["CODES", "of_status"]

_ALLOW = "allow secretsmanager:GetSecretValue on the secret {secret}"
_DECRYPT = "allow kms:Decrypt on the key of the secret {secret}"
_UNKNOWN = "AWS does not know the access key: see which one is used with 'aws sts get-caller-identity'"
_SIGNATURE = "the secret access key is wrong, or the clock of this machine is"
_EXPIRED = "the session token has expired and no newer one was found: log in again"

_MISSING = Meaning(Reason.MISSING)
_DENIED = Meaning(Reason.DENIED, _ALLOW)
_NO_KEY = Meaning(Reason.DENIED, _DECRYPT)
_STRANGER = Meaning(Reason.DENIED, _UNKNOWN, login=True, again=True)
_STALE = Meaning(Reason.DENIED, _EXPIRED, login=True, again=True)
_UNSIGNED = Meaning(Reason.DENIED, _SIGNATURE, login=True)
_THROTTLED = Meaning(Reason.THROTTLED)
_SERVER = Meaning(Reason.SERVER)
_BROKEN = Meaning(Reason.BROKEN)

_GROUPS: tuple[tuple[Meaning, str], ...] = (
    (_MISSING, "ResourceNotFoundException"),
    (_DENIED, "AccessDeniedException AccessDenied UnauthorizedOperation NotAuthorized UnauthorizedException"),
    (_NO_KEY, "DecryptionFailure"),
    (_STRANGER, "UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId"),
    (_STALE, "ExpiredTokenException ExpiredToken"),
    (_UNSIGNED, "InvalidSignatureException SignatureDoesNotMatch RequestExpired"),
    (_UNSIGNED, "IncompleteSignature IncompleteSignatureException"),
    (_UNSIGNED, "MissingAuthenticationToken MissingAuthenticationTokenException"),
    (Meaning(Reason.DENIED, "the account has no access to the service in this region"), "OptInRequired"),
    (_THROTTLED, "Throttling ThrottlingException ThrottledException TooManyRequestsException SlowDown"),
    (_THROTTLED, "RequestThrottled RequestThrottledException RequestLimitExceeded LimitExceededException"),
    (_THROTTLED, "BandwidthLimitExceeded"),
    (_SERVER, "InternalServiceError InternalServiceErrorException InternalServiceFailure InternalFailure"),
    (_SERVER, "InternalServerError InternalServerException ServiceUnavailable ServiceUnavailableException"),
    (_SERVER, "RequestTimeout RequestTimeoutException"),
    (_BROKEN, "InvalidRequestException InvalidParameterException InvalidNextTokenException"),
    (_BROKEN, "ValidationException ValidationError InvalidParameterValue InvalidParameterCombination"),
    (_BROKEN, "InvalidAction UnknownOperationException MalformedHttpRequestException"),
    (_BROKEN, "SerializationException RequestEntityTooLargeException"),
    # Answers to calls that write; a read never gets them.
    (_BROKEN, "EncryptionFailure MalformedPolicyDocumentException PreconditionNotMetException"),
    (_BROKEN, "PublicPolicyException ResourceExistsException"),
)

CODES: dict[str, Meaning] = {code: meaning for meaning, codes in _GROUPS for code in codes.split()}


def of_status(status: int) -> Meaning:
    """Return what an HTTP status means where the answer has no known code, as that of a proxy."""
    if status in {401, 403}:
        return Meaning(Reason.DENIED)
    if status == 429:
        return _THROTTLED
    if 300 <= status < 400:
        return Meaning(Reason.BROKEN, "a redirect, which is not followed: check endpoint_url")
    return _SERVER if status >= 500 else _BROKEN
