"""Every error of Parameter Store has its meaning on purpose."""

from __future__ import annotations

import json

import botocore.session
import pytest

from secretsource._deadline import Deadline
from secretsource._secret import NotThere
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    InvalidResponse,
    Reason,
    ResolverError,
)
from secretsource.resolvers.ssm import SsmResolver
from secretsource.resolvers.ssm._service import SERVICE
from tests.resolvers.ssm.support import fetch, found, login, refusal, resolver, server
from tests.servers.faulty import FaultyServer

__all__ = ["login", "resolver", "server"]


@pytest.mark.parametrize("operation", sorted(SERVICE.reads | SERVICE.writes))
def test_every_error_that_aws_lists_for_an_operation_is_in_the_table(operation: str) -> None:
    model = botocore.session.get_session().get_service_model("ssm").operation_model(operation)
    assert set() == {shape.name for shape in model.error_shapes} - set(SERVICE.codes)


_KMS = "User is not authorized to perform: kms:Decrypt because … KMS"
_DENIED, _UNAVAILABLE = (AccessDenied, Reason.DENIED), (BackendUnavailable, Reason.SERVER)


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (refusal("AccessDeniedException", "x"), _DENIED, "allow ssm:GetParameter on the parameter '/a/b'"),
        (refusal("AccessDeniedException", _KMS), _DENIED, "allow kms:Decrypt on the key of the parameter"),
        (refusal("InvalidKeyId"), _DENIED, "allow kms:Decrypt on the key of the parameter '/a/b'"),
        (refusal("ThrottlingException"), (BackendUnavailable, Reason.THROTTLED), "ThrottlingException"),
        (refusal("InternalServerError"), _UNAVAILABLE, "InternalServerError"),
        (refusal("ValidationException"), (InvalidResponse, Reason.BROKEN), "ValidationException"),
        (refusal("UnrecognizedClientException"), _DENIED, "does not know the access key"),
    ],
)
def test_a_refusal_says_what_it_means(
    resolver: SsmResolver,
    server: FaultyServer,
    answer: str,
    expected: tuple[type[ResolverError], Reason],
    words: str,
) -> None:
    server.answer(400, {}, answer)
    with pytest.raises(expected[0], match=words) as caught:
        fetch(resolver, "a/b")
    assert expected[1] is caught.value.reason
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


@pytest.mark.parametrize(
    ("name", "code", "detail"),
    [
        ("a/b", "ParameterNotFound", ""),
        ("ssm:///a/b?version=7", "ParameterVersionNotFound", "no such version"),
        ("ssm:///a/b?stage=live", "ParameterVersionNotFound", "no version has the stage 'live'"),
        ("ssm:///a/b?version=7", "ParameterNotFound", ""),
    ],
)
def test_not_there_says_what_is_missing(
    resolver: SsmResolver, server: FaultyServer, name: str, code: str, detail: str
) -> None:
    server.answer(400, {}, refusal(code, "x"))
    assert NotThere(Reason.MISSING, detail) == fetch(resolver, name)


def test_a_404_of_somebody_else_is_not_an_absence(resolver: SsmResolver, server: FaultyServer) -> None:
    server.answer(404, {}, "<html>not found")
    with pytest.raises(InvalidResponse):
        fetch(resolver)


def test_throttling_is_asked_again(resolver: SsmResolver, server: FaultyServer) -> None:
    server.answer(400, {}, refusal("ThrottlingException", "Rate exceeded"), times=2)
    server.answer(body=found("x"))
    assert fetch(resolver) is not None
    assert 3 == len(server.requests)


def test_a_denied_path_names_the_right_that_is_missing(resolver: SsmResolver, server: FaultyServer) -> None:
    server.answer(400, {}, refusal("AccessDeniedException", "x"))
    with pytest.raises(AccessDenied, match="allow ssm:GetParametersByPath on the parameter '/db/'"):
        resolver.fetch(resolver.locate("db", document=True), Deadline(5))


def test_without_credentials_it_is_a_denial(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    resolver = SsmResolver(endpoint_url=server.url)
    with pytest.raises(AccessDenied, match="no credentials"):
        fetch(resolver)
    assert [] == server.requests
    resolver.close()


def test_a_redirect_is_not_followed(resolver: SsmResolver, server: FaultyServer) -> None:
    with FaultyServer() as other:
        server.answer(307, {"Location": other.url}, "")
        with pytest.raises(InvalidResponse):
            fetch(resolver)
        assert [] == other.requests


@pytest.mark.parametrize(
    ("reference", "said"),
    [("ssm://a?version=3", {"Version": 4}), ("ssm://a?stage=prod", {"Version": 3, "Selector": ":test"})],
)
def test_the_answer_for_another_version_is_broken(
    resolver: SsmResolver, server: FaultyServer, reference: str, said: dict[str, object]
) -> None:
    server.answer(body=json.dumps({"Parameter": {"Name": "a", "Value": "x", **said}}))
    with pytest.raises(InvalidResponse, match="than the one that was asked for"):
        fetch(resolver, reference)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, json.dumps({"Parameters": [], "NextToken": 5})),
        (400, refusal("ParameterNotFound")),
    ],
)
def test_a_list_that_ends_in_the_middle_is_broken(
    resolver: SsmResolver, server: FaultyServer, status: int, answer: str
) -> None:
    page = {"Parameters": [{"Name": "/db/user", "Value": "x"}], "NextToken": "more"}
    server.answer(body=json.dumps(page), times=1)
    server.answer(status, {}, answer)
    with pytest.raises(InvalidResponse):
        resolver.fetch(resolver.locate("db", document=True), Deadline(5))
