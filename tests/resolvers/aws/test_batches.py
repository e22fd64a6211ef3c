"""BatchGetSecretValue: many secrets in few calls, and one by one where a batch cannot be had."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    InvalidResponse,
    Reason,
    ResolverError,
)
from secretsource.resolvers import Answer, SupportsFetchMany
from secretsource.resolvers.aws import AwsResolver
from tests.resolvers.aws.support import (
    VERSION,
    Canary,
    Login,
    admin,
    assert_none_of,
    canary,
    found,
    login,
    moto,
    printed,
    refusal,
    server,
)
from tests.servers.faulty import FaultyServer, Received
from tests.servers.moto import Moto

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["admin", "canary", "login", "moto", "server"]

_NOT_ALLOWED = refusal(
    "AccessDeniedException",
    "User: arn:aws:iam::1:user/app is not authorized to perform: secretsmanager:BatchGetSecretValue on resource: *",
)


@pytest.fixture
def aws(moto: Moto) -> Iterator[AwsResolver]:
    resolver = AwsResolver(endpoint_url=moto.url, batch=True)
    yield resolver
    resolver.close()


@pytest.fixture
def resolver(server: FaultyServer) -> Iterator[AwsResolver]:
    """Asks the faulty server."""
    resolver = AwsResolver(endpoint_url=server.url, batch=True)
    yield resolver
    resolver.close()


@pytest.fixture
def spied(aws: AwsResolver) -> list[str]:
    """Return a list that fills with the actions that are asked of moto."""
    actions: list[str] = []
    events = aws._backend.regions.first.clients.get().get().meta.events
    events.register(
        "before-call.secrets-manager.*", lambda model, **_: actions.append(model.name), unique_id="spy"
    )
    return actions


def ask(resolver: AwsResolver, *names: str, timeout: float = 5.0) -> list[Answer | ResolverError]:
    assert isinstance(resolver, SupportsFetchMany)
    return list(resolver.fetch_many([resolver.locate(name) for name in names], Deadline(timeout)))


def values(answers: list[Answer | ResolverError]) -> list[object]:
    """Return plain values, and what is none as it came."""
    return [answer.value if isinstance(answer, Document) else answer for answer in answers]


def store(admin: SecretsManagerClient, count: int) -> dict[str, str]:
    start = secrets.token_hex(6)
    stored = {f"s-{start}-{number}": f"value {number}" for number in range(count)}
    for name, value in stored.items():
        admin.create_secret(Name=name, SecretString=value)
    return stored


def entry(name: str, value: str, **more: str) -> dict[str, Any]:
    return {"Name": name, "SecretString": value, "VersionId": VERSION, "CreatedDate": 1.7e9, **more}


def batch(*entries: dict[str, Any], errors: list[dict[str, str]] | None = None) -> str:
    """Return the body of a good answer to a batch."""
    return json.dumps({"SecretValues": entries, "Errors": errors or []})


def refused(name: str, code: str, message: str = "") -> dict[str, str]:
    return {"SecretId": name, "ErrorCode": code, "Message": message}


def asked_for(request: Received) -> object:
    body = json.loads(request.body)
    return body.get("SecretIdList") or body.get("SecretId")


def test_only_with_the_setting_it_has_batches() -> None:
    assert isinstance(AwsResolver(batch=True), SupportsFetchMany)
    assert not isinstance(AwsResolver(), SupportsFetchMany)
    assert not isinstance(AwsResolver(batch=False), SupportsFetchMany)


@pytest.mark.parametrize("wrong", ["yes", 1, None])
def test_the_setting_is_true_or_false(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="batch for AWS must be true or false"):
        AwsResolver(batch=wrong)


def test_many_secrets_are_few_calls(aws: AwsResolver, admin: SecretsManagerClient, spied: list[str]) -> None:
    stored = store(admin, 45)

    assert list(stored.values()) == values(ask(aws, *stored))
    assert ["BatchGetSecretValue"] * 3 == spied


def test_fields_of_one_secret_are_one_entry(
    aws: AwsResolver, admin: SecretsManagerClient, spied: list[str]
) -> None:
    first, second = store(admin, 2)
    admin.put_secret_value(SecretId=first, SecretString='{"user": "app", "port": 5432}')

    answers = ask(aws, f"{first}/user", second, f"{first}/port", f"{first}/user")

    picked = [
        answer.pick(field)
        for answer, field in zip(answers, ["user", None, "port", "user"], strict=True)
        if isinstance(answer, Document)
    ]
    assert ["app", "value 1", "5432", "app"] == picked
    assert ["BatchGetSecretValue"] == spied


def test_an_entry_is_the_same_document_as_that_of_a_read(
    aws: AwsResolver, admin: SecretsManagerClient
) -> None:
    text, raw = store(admin, 2)
    admin.put_secret_value(SecretId=raw, SecretBinary=bytes(range(256)))

    for name, many in zip((text, raw), ask(aws, text, raw), strict=True):
        one = aws.fetch(aws.locate(name), Deadline(5))
        assert isinstance(many, Document)
        assert isinstance(one, Document)
        assert (one.value, one.version, one.created) == (many.value, many.version, many.created)


def test_one_secret_is_a_read(aws: AwsResolver, admin: SecretsManagerClient, spied: list[str]) -> None:
    stored = store(admin, 1)

    assert list(stored.values()) == values(ask(aws, *stored))
    assert ["GetSecretValue"] == spied


def test_versions_and_stages_are_read_beside_the_batch(
    aws: AwsResolver, admin: SecretsManagerClient, spied: list[str]
) -> None:
    first, second = store(admin, 2)
    admin.put_secret_value(SecretId=first, SecretString="newer")

    answers = ask(aws, f"aws://{first}?stage=AWSPREVIOUS", first, second)

    assert ["value 0", "newer", "value 1"] == values(answers)
    assert ["BatchGetSecretValue", "GetSecretValue"] == spied


def test_missing_and_deleted_ones_are_not_there_and_need_no_read(
    aws: AwsResolver, admin: SecretsManagerClient, spied: list[str]
) -> None:
    first, deleted, last = store(admin, 3)
    admin.delete_secret(SecretId=deleted, RecoveryWindowInDays=7)

    answers = ask(aws, first, "no/such", deleted, last)

    expected = ["value 0", NotThere(), NotThere(Reason.DELETED, "scheduled for deletion"), "value 2"]
    assert expected == values(answers)
    assert ["BatchGetSecretValue"] == spied


def test_arns_and_names_have_batches_of_their_own(
    aws: AwsResolver, admin: SecretsManagerClient, spied: list[str]
) -> None:
    stored = store(admin, 4)
    names = list(stored)
    arns = ["aws://" + admin.describe_secret(SecretId=name)["ARN"].replace(":", "%3A") for name in names[2:]]

    assert list(stored.values()) == values(ask(aws, *names[:2], *arns))
    assert ["BatchGetSecretValue"] * 2 == spied


def test_the_secret_of_another_account_is_not_taken_for_ours(
    resolver: AwsResolver, server: FaultyServer
) -> None:
    arns = [
        f"arn:aws:secretsmanager:eu-central-1:{account}:secret:mail-AbCdEf"
        for account in ("1" * 12, "2" * 12)
    ]
    server.answer(
        body=batch(entry("mail", "first", ARN=arns[0]), entry("mail", "second", ARN=arns[1])), times=1
    )

    answers = ask(resolver, *("aws://" + arn.replace(":", "%3A") for arn in arns))

    assert ["first", "second"] == values(answers)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (batch(entry("b", "of b")), "it is left out"),
        (batch(entry("a", "one"), entry("a", "two"), entry("b", "of b")), "it is there twice"),
        (
            batch(entry("a", "one"), entry("b", "of b"), errors=[refused("a", "AccessDeniedException")]),
            "it is there, and denied",
        ),
        (batch({"Name": "a"}, entry("b", "of b")), "it has no value"),
        (batch(entry("b", "of b"), errors=[refused("a", "InternalServiceError")]), "AWS had trouble"),
        (batch(entry("b", "of b"), errors=[refused("a", "ThrottlingException")]), "AWS was too busy"),
        (batch(entry("b", "of b"), errors=[refused("a", "SomethingNew")]), "nobody knows"),
    ],
)
def test_what_a_batch_does_not_answer_is_read_by_itself(
    resolver: AwsResolver, server: FaultyServer, body: str, why: str
) -> None:
    server.answer(body=body, times=1)
    server.answer(body=found("of a"))

    assert ["of a", "of b"] == values(ask(resolver, "a", "b")), why
    assert [["a", "b"], "a"] == [asked_for(request) for request in server.requests]


def test_an_entry_that_nobody_asked_for_is_not_used(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=batch(entry("a", "of a"), entry("b", "of b"), entry("c", "of c")), times=1)

    assert ["of a", "of b"] == values(ask(resolver, "a", "b"))


def test_a_value_beyond_the_limit_is_invalid_and_no_other_is(server: FaultyServer) -> None:
    long = "x" * 200
    server.answer(body=batch(entry("a", long), entry("b", "of b")), times=1)
    server.answer(body=found(long))
    resolver = AwsResolver(endpoint_url=server.url, batch=True, max_bytes=100)

    first, second = values(ask(resolver, "a", "b"))

    assert isinstance(first, InvalidResponse)
    assert "of b" == second
    resolver.close()


@pytest.mark.parametrize(
    ("code", "words", "advice"),
    [
        ("AccessDeniedException", "not authorized", "allow secretsmanager:GetSecretValue on the secret 'a'"),
        ("AccessDeniedException", "Access to KMS is not allowed", "allow kms:Decrypt"),
        ("DecryptionFailure", "", "allow kms:Decrypt on the key of the secret 'a'"),
    ],
)
def test_a_denial_is_that_of_one_secret_and_is_not_repeated(
    resolver: AwsResolver, server: FaultyServer, code: str, words: str, advice: str
) -> None:
    server.answer(
        200, {"x-amzn-RequestId": "0f1e-2d"}, batch(entry("b", "of b"), errors=[refused("a", code, words)])
    )

    denied, other, again = ask(resolver, "a/one", "b", "a/two")

    assert isinstance(denied, AccessDenied)
    assert advice in str(denied)
    assert "request id 0f1e-2d" in str(denied)
    assert ["of b"] == values([other])
    assert isinstance(again, AccessDenied)
    assert denied is not again
    assert ("a#one", "a#two", 1) == (denied.location, again.location, len(server.requests))


def test_without_the_permission_it_reads_one_by_one_from_then_on(
    resolver: AwsResolver, server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer(400, {}, _NOT_ALLOWED, times=1)
    server.answer(body=found("x"))

    with caplog.at_level(logging.INFO, "secretsource"):
        answers = [values(ask(resolver, "a", "b")) for _ in range(3)]

    assert [["x", "x"]] * 3 == answers
    assert 7 == len(server.requests)
    assert ["a", "b"] == sorted(str(asked_for(request)) for request in server.requests[1:3])
    said = [record.getMessage() for record in caplog.records if record.name == "secretsource"]
    assert ["secretsmanager:BatchGetSecretValue is not allowed; allow it, or take batch = true away"] == [
        each.removeprefix("the resolver 'aws' reads one by one: ") for each in said
    ]


def test_a_batch_that_is_denied_for_one_secret_is_read_one_by_one_that_time(
    resolver: AwsResolver, server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    words = "not authorized to perform: secretsmanager:GetSecretValue because of a VPC endpoint policy"
    server.answer(400, {}, refusal("AccessDeniedException", words), times=1)
    server.answer(body=found("x"), times=2)
    server.answer(body=batch(entry("a", "of a"), entry("b", "of b")), times=1)

    assert ["x", "x"] == values(ask(resolver, "a", "b"))
    assert ["of a", "of b"] == values(ask(resolver, "a", "b"))
    assert [] == [record for record in caplog.records if record.name == "secretsource"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, refusal("InvalidParameterException")),
        (400, refusal("ResourceNotFoundException")),
        (400, refusal("UnknownOperationException")),
        (404, "<html>"),
        (200, "<html>login</html>"),
        (200, "{}"),
        (200, '{"SecretValues": 5, "Errors": "x"}'),
        (200, '{"SecretValues": [null, 5], "Errors": [[]]}'),
    ],
)
def test_a_batch_that_fails_as_a_whole_is_read_one_by_one(
    resolver: AwsResolver, server: FaultyServer, status: int, body: str
) -> None:
    server.answer(status, {}, body, times=1)
    server.answer(body=found("x"))

    assert ["x", "x"] == values(ask(resolver, "a", "b"))
    assert 3 == len(server.requests)


def test_a_server_that_recovers_is_asked_for_the_batch_again(
    resolver: AwsResolver, server: FaultyServer
) -> None:
    server.answer(503, {}, "oops", times=2)
    server.answer(body=batch(entry("a", "of a"), entry("b", "of b")))

    assert ["of a", "of b"] == values(ask(resolver, "a", "b"))
    assert [["a", "b"]] * 3 == [asked_for(request) for request in server.requests]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [(503, "oops", Reason.SERVER), (400, refusal("ThrottlingException"), Reason.THROTTLED)],
)
def test_an_outage_is_told_for_each_secret_without_a_read_of_each(
    resolver: AwsResolver, server: FaultyServer, status: int, body: str, reason: Reason
) -> None:
    server.answer(status, {}, body)

    errors = ask(resolver, "a", "b/c")

    assert [BackendUnavailable] * 2 == [type(error) for error in errors]
    assert [(reason, "a"), (reason, "b#c")] == [
        (error.reason, error.location) for error in errors if isinstance(error, ResolverError)
    ]
    assert 3 == len(server.requests)


def test_an_expired_token_is_looked_for_once_more(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(400, {}, refusal("ExpiredTokenException"), times=1)
    server.answer(body=batch(entry("a", "of a"), entry("b", "of b")))

    assert ["of a", "of b"] == values(ask(resolver, "a", "b"))
    assert 2 == len(server.requests)


def test_unknown_credentials_are_a_denial_of_all_without_a_read_of_each(
    resolver: AwsResolver, server: FaultyServer
) -> None:
    server.answer(400, {}, refusal("UnrecognizedClientException"))

    assert [AccessDenied] * 2 == [type(error) for error in ask(resolver, "a", "b")]
    assert 2 == len(server.requests)


def test_a_missing_region_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(ConfigError, match="no region is configured"):
        ask(AwsResolver(batch=True), "a", "b")


def test_a_batch_that_hangs_ends_with_the_deadline(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(delay=20)
    begun = time.monotonic()

    answers = ask(resolver, "a", "b", timeout=0.6)

    assert time.monotonic() - begun < 1.1
    assert [True, True] == [isinstance(answer, BackendUnavailable) for answer in answers]


def test_what_one_batch_brought_is_kept_when_another_fails(
    resolver: AwsResolver, server: FaultyServer
) -> None:
    names = [f"n{number:02}" for number in range(22)]
    server.answer(body=batch(*(entry(name, name) for name in names)), times=1)
    server.answer(503, {}, "oops")

    answers = values(ask(resolver, *names))

    kept = [name for name, answer in zip(names, answers, strict=True) if answer == name]
    assert len(kept) in {2, 20}
    assert len(names) - len(kept) == sum(isinstance(answer, BackendUnavailable) for answer in answers)


def test_neither_logs_nor_errors_show_a_value_or_a_credential(
    resolver: AwsResolver,
    server: FaultyServer,
    canary: Canary,
    login: Login,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer(
        body=batch(entry("a", canary.text), errors=[refused("b", "AccessDeniedException", canary.text)])
    )

    value, error = ask(resolver, "a", "b")

    assert isinstance(value, Document)
    assert isinstance(error, AccessDenied)
    assert (None, None, None) == (error.__traceback__, error.__cause__, error.__context__)
    shown = caplog.text + printed(error) + repr(value)
    assert_none_of([canary, login.secret_key, login.session_token], shown)
    assert [] == [record.name for record in caplog.records if record.name.startswith("boto")]
