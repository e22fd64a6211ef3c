"""Every error of AWS and of botocore has its meaning on purpose."""

from __future__ import annotations

import inspect
from typing import Any

import botocore.exceptions
import botocore.session
import pytest
from botocore.exceptions import ClientError

from secretsource._secret import NotThere
from secretsource.errors import ConfigError, Reason, SecretSourceError, resolver_error
from secretsource.resolvers import Location
from secretsource.resolvers._aws._codes import CODES as SHARED_CODES
from secretsource.resolvers._aws._errors import explained
from secretsource.resolvers._aws._exceptions import EXCEPTIONS
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers.aws._service import SERVICE
from tests.resolvers.aws.support import Canary, canary

__all__ = ["canary"]

LOCATION = Location(address="prod/pepipost", field="api_key")
ENDPOINT = "https://secretsmanager.eu-central-1.amazonaws.com"
BOTOCORE = {
    name: kind
    for name, kind in inspect.getmembers(botocore.exceptions, inspect.isclass)
    if issubclass(kind, Exception)
    and not issubclass(kind, Warning)
    and kind.__module__ == "botocore.exceptions"
}
COMMON_CODES = """
    AccessDeniedException IncompleteSignature InternalFailure InvalidAction InvalidClientTokenId
    InvalidParameterCombination InvalidParameterValue MissingAuthenticationToken NotAuthorized OptInRequired
    RequestExpired ServiceUnavailable ThrottlingException ValidationError ExpiredTokenException
    UnrecognizedClientException InvalidSignatureException
""".split()  # noqa: SIM905 - a page of the vendor, pasted


def answered(
    code: str,
    status: int = 400,
    message: str = "",
    *,
    headers: dict[str, str] | None = None,
    call: str = "GetSecretValue",
) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "HTTPHeaders": headers or {},
                "RequestId": "1b2c-3d",
                "HostId": "",
                "RetryAttempts": 0,
            },
        },
        call,
    )


def failure(error: Exception, *, endpoint: str | None = ENDPOINT) -> Failure:
    said = explained(error, SERVICE, LOCATION, endpoint)
    assert isinstance(said, Failure)
    return said


def test_each_exception_of_botocore_is_in_the_table() -> None:
    assert set() == set(BOTOCORE) - set(EXCEPTIONS)


def test_each_error_of_the_service_model_is_in_the_table() -> None:
    model: Any = botocore.session.Session().get_service_model("secretsmanager")

    assert set() == {shape.error_code for shape in model.error_shapes} - set(SERVICE.codes)


def test_each_error_that_all_services_share_is_in_the_table() -> None:
    assert set() == set(COMMON_CODES) - set(SERVICE.codes)


def test_no_name_is_in_a_table_twice() -> None:
    from secretsource.resolvers._aws import _codes, _exceptions
    from secretsource.resolvers.aws import _service

    codes = (*_codes._GROUPS, *_service._GROUPS)
    for groups, table in ((codes, SERVICE.codes), (_exceptions._GROUPS, EXCEPTIONS)):
        assert len(table) == sum(len(names.split()) for _, names in groups)


def test_what_all_services_share_has_no_code_of_one_service() -> None:
    assert set() == set(SHARED_CODES) & {"ResourceNotFoundException", "DecryptionFailure"}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AccessDeniedException", Reason.DENIED),
        ("UnrecognizedClientException", Reason.DENIED),
        ("InvalidSignatureException", Reason.DENIED),
        ("IncompleteSignature", Reason.DENIED),
        ("MissingAuthenticationToken", Reason.DENIED),
        ("InvalidClientTokenId", Reason.DENIED),
        ("OptInRequired", Reason.DENIED),
        ("DecryptionFailure", Reason.DENIED),
        ("ExpiredTokenException", Reason.DENIED),
        ("ThrottlingException", Reason.THROTTLED),
        ("TooManyRequestsException", Reason.THROTTLED),
        ("RequestLimitExceeded", Reason.THROTTLED),
        ("SlowDown", Reason.THROTTLED),
        ("InternalServiceError", Reason.SERVER),
        ("ServiceUnavailable", Reason.SERVER),
        ("InvalidParameterException", Reason.BROKEN),
        ("InvalidRequestException", Reason.BROKEN),
        ("ValidationException", Reason.BROKEN),
    ],
)
def test_a_code_has_its_reason(code: str, reason: Reason) -> None:
    said = failure(answered(code))

    assert reason == said.reason
    assert f"HTTP 400 {code}, request id 1b2c-3d" in said.detail


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (301, Reason.BROKEN),
        (400, Reason.BROKEN),
        (401, Reason.DENIED),
        (403, Reason.DENIED),
        (404, Reason.BROKEN),
        (413, Reason.BROKEN),
        (429, Reason.THROTTLED),
        (500, Reason.SERVER),
        (502, Reason.SERVER),
        (503, Reason.SERVER),
        (504, Reason.SERVER),
    ],
)
def test_an_answer_without_a_known_code_is_judged_by_its_status(
    status: int, reason: Reason, canary: Canary
) -> None:
    said = failure(answered(canary.text, status))

    assert reason == said.reason
    assert f"HTTP {status}" in said.detail
    assert canary.text not in said.detail


def test_a_missing_secret_is_not_there() -> None:
    assert NotThere(Reason.MISSING) == explained(
        answered("ResourceNotFoundException"), SERVICE, LOCATION, ENDPOINT
    )


def test_a_secret_without_a_current_version_is_not_there_and_the_stage_is_named() -> None:
    error = answered(
        "ResourceNotFoundException",
        message="Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    )

    assert NotThere(Reason.MISSING, "no version has the stage 'AWSCURRENT'") == explained(
        error, SERVICE, LOCATION, ENDPOINT
    )


@pytest.mark.parametrize(
    "message",
    [
        "You can't perform this operation on the secret because it was marked for deletion.",
        "You tried to perform the operation on a secret that's currently marked deleted.",
        "The secret is scheduled for deletion.",
    ],
)
def test_a_secret_that_is_to_be_deleted_is_not_there(message: str) -> None:
    error = answered("InvalidRequestException", message=message)

    assert NotThere(Reason.DELETED, "scheduled for deletion") == explained(error, SERVICE, LOCATION, ENDPOINT)


def test_a_denial_says_what_to_allow() -> None:
    detail = failure(
        answered("AccessDeniedException", message="User: arn:aws:iam::1:user/x is not authorized")
    ).detail

    assert detail.endswith("; allow secretsmanager:GetSecretValue on the secret 'prod/pepipost'")
    assert "arn:" not in detail


@pytest.mark.parametrize(
    "error",
    [
        answered("DecryptionFailure"),
        answered("AccessDeniedException", message="Access to KMS is not allowed"),
    ],
)
def test_a_denied_key_says_what_to_allow(error: ClientError) -> None:
    assert "allow kms:Decrypt on the key of the secret 'prod/pepipost'" in failure(error).detail


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"x-amz-retry-after": "1500"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"x-amz-retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_is_asked_for_is_passed_on(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds == failure(answered("ThrottlingException", headers=headers)).retry_after


@pytest.mark.parametrize("code", ["AccessDenied", "ResourceNotFoundException", "ValidationError", "Nonsense"])
def test_what_a_call_for_credentials_is_refused_with_is_a_denial(code: str) -> None:
    said = failure(answered(code, 404, call="AssumeRole"))

    assert (Reason.DENIED, True) == (said.reason, said.login)
    assert "AssumeRole" in said.detail


@pytest.mark.parametrize(
    ("code", "reason"), [("Throttling", Reason.THROTTLED), ("InternalFailure", Reason.SERVER)]
)
def test_a_call_for_credentials_that_meets_an_outage_is_no_denial(code: str, reason: Reason) -> None:
    assert reason == failure(answered(code, call="AssumeRole")).reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (botocore.exceptions.NoCredentialsError(), Reason.DENIED),
        (botocore.exceptions.PartialCredentialsError(provider="env", cred_var="x"), Reason.DENIED),
        (botocore.exceptions.CredentialRetrievalError(provider="process", error_msg="x"), Reason.DENIED),
        (botocore.exceptions.TokenRetrievalError(provider="sso", error_msg="x"), Reason.DENIED),
        (botocore.exceptions.UnauthorizedSSOTokenError(), Reason.DENIED),
        (botocore.exceptions.NoRegionError(), None),
        (botocore.exceptions.ProfileNotFound(profile="x"), None),
        (botocore.exceptions.ReadTimeoutError(endpoint_url=ENDPOINT, error="x"), Reason.TIMEOUT),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url=ENDPOINT, error="x"), Reason.TIMEOUT),
        (botocore.exceptions.SSLError(endpoint_url=ENDPOINT, error=OSError()), Reason.TLS),
        (botocore.exceptions.ConnectionClosedError(endpoint_url=ENDPOINT, error="x"), Reason.REFUSED),
        (botocore.exceptions.ParamValidationError(report="x"), Reason.BROKEN),
        (ValueError("x"), Reason.BROKEN),
    ],
)
def test_an_exception_has_its_reason(error: Exception, reason: Reason | None) -> None:
    assert reason == failure(error).reason


def test_an_exception_of_a_later_botocore_means_what_its_base_means() -> None:
    kind = type("NewSSOError", (botocore.exceptions.SSOError,), {"fmt": "x"})

    assert Reason.DENIED == failure(kind()).reason


def test_credentials_whose_source_is_down_are_no_denial() -> None:
    def retrieve() -> None:
        try:
            raise botocore.exceptions.MetadataRetrievalError(error_msg="x")
        except botocore.exceptions.MetadataRetrievalError as error:
            raise botocore.exceptions.CredentialRetrievalError(provider="role", error_msg="x") from error

    with pytest.raises(botocore.exceptions.CredentialRetrievalError) as raised:
        retrieve()

    assert Reason.SERVER == failure(raised.value).reason


def test_host_and_port_are_named_and_no_password_of_a_proxy() -> None:
    error = botocore.exceptions.ProxyConnectionError(proxy_url="http://me:word@proxy.local:3128", error="x")

    assert "proxy proxy.local:3128" == failure(error).detail


def test_the_default_port_is_named() -> None:
    error = botocore.exceptions.ReadTimeoutError(endpoint_url=ENDPOINT, error="x")

    assert "secretsmanager.eu-central-1.amazonaws.com:443" == failure(error).detail


def test_an_error_of_ours_keeps_its_reason() -> None:
    said = failure(resolver_error(Reason.BROKEN, "more than 5 bytes"))

    assert (Reason.BROKEN, "more than 5 bytes, secretsmanager.eu-central-1.amazonaws.com:443") == (
        said.reason,
        said.detail,
    )


def test_a_client_that_cannot_be_built_is_a_matter_of_configuration() -> None:
    error: SecretSourceError = failure(FileNotFoundError("x"), endpoint=None).error("aws", "pepipost")

    assert isinstance(error, ConfigError)
    assert "the resolver 'aws' cannot ask AWS" in str(error)


@pytest.mark.parametrize("kind", BOTOCORE.values(), ids=BOTOCORE)
def test_no_exception_of_botocore_breaks_the_explanation(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    error.__dict__.update(response={}, operation_name="GetSecretValue", kwargs={})

    assert isinstance(explained(error, SERVICE, LOCATION, ENDPOINT), Failure)
