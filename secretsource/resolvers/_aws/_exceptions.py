"""The exceptions of botocore that are no answer of AWS, and what each means.

They are known by name, so that the table needs no import of botocore and may name what one of its versions lacks. A
class that is not named means what its nearest named base means.
"""

from __future__ import annotations

from secretsource.errors import Reason
from secretsource.resolvers._aws._failure import Meaning

__all__ = ["EXCEPTIONS", "FILE", "LOCAL", "SETUP", "TLS", "WIRE", "meaning_of"]

_NO_CREDENTIALS = (
    "boto3 found no credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "or give this machine a role"
)
_HALF = "boto3 found half of the credentials: access key and secret access key must come from one source"
_SOURCE = "boto3 could not get credentials from their source: try 'aws sts get-caller-identity'"
_SSO = "the login has expired or is missing: run 'aws sso login{profile}' or 'aws login{profile}'"
_METADATA = "the service that hands out credentials does not answer"
_REGION = "no region is configured: set region, AWS_DEFAULT_REGION, or the region of the profile"
_PROFILE = "the profile does not exist: check profile, AWS_PROFILE and AWS_CONFIG_FILE"
_CRT = "its credentials need another package: pip install 'boto3[crt]'"
_FILES = "boto3's own configuration is wrong: check the AWS_* variables, AWS_CA_BUNDLE too, and the AWS files"

#: A file that credentials come from cannot be read; botocore lets the system's own exception through.
FILE = Meaning(
    Reason.DENIED,
    "boto3 cannot read a file that credentials come from: check AWS_WEB_IDENTITY_TOKEN_FILE, "
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE and web_identity_token_file of the profile",
    login=True,
)
#: The network failed; what exactly is told by the exception that is wrapped inside.
WIRE = Meaning(Reason.REFUSED)
#: The certificate does not verify, or the other side speaks no TLS.
TLS = Meaning(Reason.TLS)
#: A client cannot be built: a file or a variable is wrong.
SETUP = Meaning(None, _FILES)
#: The client's own data, its checks of arguments, and what cannot happen on this path.
LOCAL = Meaning(Reason.BROKEN, "boto3 could not make the request or read the answer")
_LOGIN = Meaning(Reason.DENIED, _SSO, login=True)

_GROUPS: tuple[tuple[Meaning, str], ...] = (
    (WIRE, "HTTPClientError ConnectionError EndpointConnectionError ConnectionClosedError"),
    (WIRE, "ProxyConnectionError ResponseStreamingError"),
    (TLS, "SSLError"),
    (Meaning(Reason.TIMEOUT), "ReadTimeoutError ConnectTimeoutError"),
    (Meaning(Reason.THROTTLED), "CapacityNotAvailableError"),
    (Meaning(Reason.DENIED, _NO_CREDENTIALS, login=True), "NoCredentialsError"),
    (Meaning(Reason.DENIED, _HALF, login=True), "PartialCredentialsError"),
    (Meaning(Reason.DENIED, _SOURCE, login=True), "CredentialRetrievalError RefreshWithMFAUnsupportedError"),
    (_LOGIN, "SSOError SSOTokenLoadError UnauthorizedSSOTokenError NoAuthTokenError TokenRetrievalError"),
    (_LOGIN, "LoginError LoginRefreshRequired LoginInsufficientPermissions LoginTokenLoadError"),
    (_LOGIN, "LoginAuthorizationCodeError"),
    (Meaning(Reason.SERVER, _METADATA, login=True), "MetadataRetrievalError"),
    (Meaning(None, _REGION), "NoRegionError"),
    (Meaning(None, _PROFILE), "ProfileNotFound"),
    (Meaning(None, _CRT), "MissingDependencyException"),
    (SETUP, "ConfigParseError ConfigNotFound InvalidConfigError InfiniteLoopConfigError"),
    (SETUP, "InvalidRegionError UnknownRegionError UnknownEndpointError UnknownFIPSEndpointError"),
    (SETUP, "EndpointVariantError BaseEndpointResolverError EndpointProviderError EndpointResolutionError"),
    (SETUP, "UnknownEndpointResolutionBuiltInName InvalidEndpointConfigurationError ServiceNotInRegionError"),
    (SETUP, "InvalidRetryConfigurationError InvalidMaxRetryAttemptsError InvalidRetryModeError"),
    (SETUP, "InvalidProxiesConfigError InvalidIMDSEndpointError InvalidIMDSEndpointModeError"),
    (SETUP, "InvalidDefaultsMode InvalidSTSRegionalEndpointsConfigError InvalidChecksumConfigError"),
    (SETUP, "UnknownCredentialError UnknownTokenProviderError UnsupportedServiceProtocolsError"),
    (SETUP, "UnknownSignatureVersionError UnsupportedSignatureVersionError"),
    (SETUP, "InvalidEndpointDiscoveryConfigurationError"),
    (LOCAL, "BotoCoreError ClientError EventStreamError DataNotFoundError UnknownServiceError"),
    (LOCAL, "ApiVersionNotFoundError MissingParametersError ValidationError ParamValidationError"),
    (LOCAL, "UnknownKeyError RangeError UnknownParameterError AliasConflictParameterError"),
    (LOCAL, "UnknownServiceStyle PaginationError OperationNotPageableError UnknownClientMethodError"),
    (LOCAL, "ChecksumError FlexibleChecksumError MD5UnavailableError AwsChunkedWrapperError"),
    (LOCAL, "UnseekableStreamError IncompleteReadError WaiterError WaiterConfigError InvalidExpressionError"),
    (LOCAL, "UndefinedModelAttributeError MissingServiceIdError"),
    (LOCAL, "StubResponseError StubAssertionError UnStubbedResponseError"),
    # S3 alone.
    (LOCAL, "InvalidDNSNameError InvalidHostLabelError InvalidS3AddressingStyleError UnsupportedS3ArnError"),
    (LOCAL, "UnsupportedS3ControlArnError UnsupportedOutpostResourceError UnsupportedS3ConfigurationError"),
    (LOCAL, "UnsupportedS3AccesspointConfigurationError UnsupportedS3ControlConfigurationError"),
    (LOCAL, "InvalidS3UsEast1RegionalEndpointConfigError"),
)

EXCEPTIONS: dict[str, Meaning] = {name: meaning for meaning, names in _GROUPS for name in names.split()}


def meaning_of(error: BaseException) -> Meaning | None:
    """Return what an exception of botocore means; `None` if it is none of botocore's."""
    for kind in type(error).__mro__:
        if kind.__module__ == "botocore.exceptions" and kind.__name__ in EXCEPTIONS:
            return EXCEPTIONS[kind.__name__]
    return None
