"""Writing: one key and nothing else, read back, once, and on top of what others write at the same time."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import botocore.exceptions
import pytest

from secretsource._deadline import Deadline
from secretsource._secret import Document
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    InvalidReference,
    InvalidResponse,
    InvalidValue,
    Reason,
    ResolverError,
    WriteConflict,
)
from secretsource.resolvers import SupportsPut
from secretsource.resolvers.aws import AwsResolver
from tests.resolvers.aws.support import (
    Canary,
    Login,
    admin,
    assert_none_of,
    canary,
    found,
    login,
    moto,
    printed,
    read,
    refusal,
    server,
)
from tests.servers.faulty import FaultyServer
from tests.servers.moto import REGION, Moto

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["admin", "canary", "login", "moto", "server"]

PUT = "secretsmanager.PutSecretValue"
GET = "secretsmanager.GetSecretValue"
CREATE = "secretsmanager.CreateSecret"
MOVE = "secretsmanager.UpdateSecretVersionStage"


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    """Names that no other test writes."""
    return (f"app{number}" for number in range(1000))


@pytest.fixture
def name(names: Iterator[str]) -> str:
    return next(names)


@pytest.fixture
def resolver(moto: Moto) -> Iterator[AwsResolver]:
    resolver = AwsResolver(endpoint_url=moto.url)
    yield resolver
    resolver.close()


def put(
    resolver: AwsResolver, name: str, value: str | bytes, *, expected: str | None = None, timeout: float = 5
) -> Document:
    return resolver.put(resolver.locate(name), value, Deadline(timeout), expected=expected)


def current(admin: SecretsManagerClient, name: str, stage: str = "AWSCURRENT") -> str:
    return admin.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"]


def versions(admin: SecretsManagerClient, name: str) -> int:
    return len(admin.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"])


def before_each(
    resolver: AwsResolver, operation: str, act: Callable[[], object], *, times: int = 1, after: int = 0
) -> None:
    """Let somebody else *act* right before so many requests of the resolver, but for the first ones."""
    left = [act] * times + [lambda: None] * after

    def handle(**_: object) -> None:
        if left:
            left.pop()()

    client = resolver._backend.regions.first.clients.get().get()
    client.meta.events.register(f"before-call.{operation}", handle)


def calls(server: FaultyServer) -> list[str]:
    return [each.headers["x-amz-target"] for each in server.requests]


def test_it_can_write(resolver: AwsResolver) -> None:
    assert isinstance(resolver, SupportsPut)


def test_a_key_is_changed_and_all_else_stays_to_the_byte(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, canary: Canary
) -> None:
    before = '{ "port" : 1.10,\n  "é": "\\u00e9", "api_key": "old", "z": [{"api_key": 2}], "n": 1234567890123456789 }\n'
    admin.create_secret(Name=name, SecretString=before)

    document = put(resolver, f"{name}/api_key", canary.text)

    assert before.replace('"old"', json.dumps(canary.text)) == current(admin, name)
    assert (canary.text, before) == (document.fields["api_key"], current(admin, name, "AWSPREVIOUS"))
    assert document.version == admin.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["VersionId"]


def test_a_key_that_is_not_there_is_added_at_the_end(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    admin.create_secret(Name=name, SecretString='{\n  "user": "shop"\n}')

    put(resolver, f"{name}/password", "x")

    assert '{\n  "user": "shop",\n  "password": "x"\n}' == current(admin, name)


@pytest.mark.parametrize(
    "value", ['"\\\n\t\x00é', "", "€" * 100, "\ud800"], ids=["escapes", "empty", "wide", "half"]
)
def test_any_text_fits_into_a_key(resolver: AwsResolver, name: str, value: str) -> None:
    put(resolver, f"{name}/api_key", value)

    assert value == read(resolver, f"aws://{name}").fields["api_key"]


def test_a_secret_that_is_not_there_is_created(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, canary: Canary
) -> None:
    document = put(resolver, f"{name}/api_key", canary.text)

    assert {"api_key": canary.text} == json.loads(current(admin, name))
    assert canary.text == document.fields["api_key"]


def test_a_secret_without_a_value_gets_its_first(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, canary: Canary
) -> None:
    admin.create_secret(Name=name)

    put(resolver, name, canary.text)

    assert canary.text == current(admin, name)


def test_a_whole_value_is_replaced(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, canary: Canary
) -> None:
    admin.create_secret(Name=name, SecretString="old")

    assert canary.text == put(resolver, name, canary.text).value
    assert ("old", canary.text) == (current(admin, name, "AWSPREVIOUS"), current(admin, name))


def test_bytes_are_written_as_they_are(resolver: AwsResolver, admin: SecretsManagerClient, name: str) -> None:
    value = secrets.token_bytes(30) + b"\x00\xff"

    document = put(resolver, name, value)

    assert (value, value) == (document.value, admin.get_secret_value(SecretId=name)["SecretBinary"])


@pytest.mark.parametrize("path", ["", "/api_key"], ids=["whole", "key"])
def test_what_is_there_already_is_not_written_again(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, canary: Canary, path: str
) -> None:
    first = put(resolver, name + path, canary.text)

    assert first.version == put(resolver, name + path, canary.text).version
    assert 1 == versions(admin, name)


def test_the_prefix_is_written_too(
    moto: Moto, admin: SecretsManagerClient, name: str, canary: Canary
) -> None:
    resolver = AwsResolver(endpoint_url=moto.url, prefix="prod/")

    put(resolver, f"{name}/api_key", canary.text)

    assert {"api_key": canary.text} == json.loads(current(admin, f"prod/{name}"))
    resolver.close()


@pytest.mark.parametrize("value", ["not json", '["api_key"]', '"text"', '{"a": NaN}', '{"a": 1} x'])
def test_a_key_of_what_is_no_json_object_is_refused_and_nothing_written(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, value: str
) -> None:
    admin.create_secret(Name=name, SecretString=value)

    with pytest.raises(InvalidValue, match="no JSON object"):
        put(resolver, f"{name}/api_key", "x")

    assert (value, 1) == (current(admin, name), versions(admin, name))


def test_so_is_a_key_of_a_binary_secret(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    admin.create_secret(Name=name, SecretBinary=b"\x00\x01")

    with pytest.raises(InvalidValue, match="no JSON object"):
        put(resolver, f"{name}/api_key", "x")


def test_bytes_are_no_key(resolver: AwsResolver, name: str) -> None:
    with pytest.raises(InvalidValue, match="write a whole secret"):
        put(resolver, f"{name}/api_key", b"x")


@pytest.mark.parametrize("value", ["", b"", "\ud800"])
def test_what_aws_does_not_store_is_refused(
    resolver: AwsResolver, server: FaultyServer, name: str, value: str | bytes
) -> None:
    with pytest.raises(InvalidValue):
        put(resolver, name, value)


def test_as_much_as_aws_stores_can_be_written(resolver: AwsResolver, name: str) -> None:
    assert "é" * 32_768 == put(resolver, name, "é" * 32_768).value


def test_more_than_aws_stores_is_refused_and_not_shown(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, canary: Canary
) -> None:
    admin.create_secret(Name=name, SecretString=json.dumps({"other": "x" * 65_000}))

    with pytest.raises(InvalidValue, match="more than 65,536 bytes") as raised:
        put(resolver, f"{name}/api_key", canary.text * 20)

    assert 1 == versions(admin, name)
    assert_none_of([canary], str(raised.value))


def test_a_secret_that_is_to_be_deleted_says_how_to_bring_it_back(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    admin.create_secret(Name=name, SecretString="x")
    admin.delete_secret(SecretId=name)

    with pytest.raises(InvalidResponse, match="RestoreSecret"):
        put(resolver, name, "y")


@pytest.mark.parametrize(
    ("reference", "document"),
    [
        (f"aws://app?version={'a' * 32}#key", False),
        ("aws://app?stage=AWSPENDING", False),
        ("app", True),
        ("aws://arn%3Aaws%3Asecretsmanager%3Aeu-west-1%3A123456789012%3Asecret%3Aapp-AbCdEf", False),
    ],
)
def test_what_is_no_place_for_a_value_is_refused(
    server: FaultyServer, reference: str, document: bool
) -> None:
    resolver = AwsResolver(region=[REGION, "eu-west-1"], endpoint_url=[server.url, server.url])

    with pytest.raises(InvalidReference, match="cannot be written"):
        resolver.put(resolver.locate(reference, document=document), "x", Deadline(5))

    assert [] == server.requests


def test_no_secret_is_created_by_arn(resolver: AwsResolver) -> None:
    arn = f"arn%3Aaws%3Asecretsmanager%3A{REGION}%3A123456789012%3Asecret%3Anone-AbCdEf"

    with pytest.raises(InvalidReference, match="a new one is written by its name"):
        put(resolver, f"aws://{arn}", "x")


def test_with_the_expected_version_it_is_replaced(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, canary: Canary
) -> None:
    version = admin.create_secret(Name=name, SecretString="old")["VersionId"]

    assert canary.text == put(resolver, name, canary.text, expected=version).value


@pytest.mark.parametrize("exists", [True, False])
def test_another_version_than_the_expected_one_is_a_conflict_and_nothing_is_written(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, exists: bool
) -> None:
    if exists:
        admin.create_secret(Name=name, SecretString="old")

    with pytest.raises(WriteConflict) as raised:
        put(resolver, name, "new", expected="b" * 32)

    assert Reason.CONFLICT is raised.value.reason
    assert not exists or 1 == versions(admin, name)


def test_what_others_write_into_another_key_at_the_same_time_stays(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    admin.create_secret(Name=name, SecretString='{"a": "1", "b": "1"}')
    before_each(
        resolver, PUT, lambda: admin.put_secret_value(SecretId=name, SecretString='{"a": "1", "b": "2"}')
    )

    document = put(resolver, f"{name}/a", "2")

    assert {"a": "2", "b": "2"} == json.loads(current(admin, name)) == dict(document.fields)


def test_of_a_whole_value_who_writes_last_wins(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    admin.create_secret(Name=name, SecretString="old")
    before_each(resolver, PUT, lambda: admin.put_secret_value(SecretId=name, SecretString="theirs"))

    assert "ours" == put(resolver, name, "ours").value
    assert ("ours", "theirs") == (current(admin, name), current(admin, name, "AWSPREVIOUS"))


@pytest.mark.parametrize("operation", [PUT, MOVE])
def test_with_an_expected_version_a_write_in_between_is_a_conflict_and_stays(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, operation: str
) -> None:
    version = admin.create_secret(Name=name, SecretString="old")["VersionId"]
    before_each(resolver, operation, lambda: admin.put_secret_value(SecretId=name, SecretString="theirs"))

    with pytest.raises(WriteConflict, match="at the same time"):
        put(resolver, name, "ours", expected=version)

    assert ("theirs", "old") == (current(admin, name), current(admin, name, "AWSPREVIOUS"))


@pytest.mark.parametrize("theirs", ['{"a": "1"}', '{"a": "3"}', "no object"])
def test_what_somebody_else_writes_right_after_us_stays_and_is_told(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str, theirs: str
) -> None:
    admin.create_secret(Name=name, SecretString='{"a": "1"}')
    before_each(resolver, GET, lambda: admin.put_secret_value(SecretId=name, SecretString=theirs), after=1)

    with pytest.raises(WriteConflict, match="right after it"):
        put(resolver, f"{name}/a", "2")

    assert theirs == current(admin, name)


def test_what_comes_right_after_us_with_our_key_is_fine(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    admin.create_secret(Name=name, SecretString='{"a": "1"}')
    before_each(
        resolver,
        GET,
        lambda: admin.put_secret_value(SecretId=name, SecretString='{"a": "2", "b": "1"}'),
        after=1,
    )

    assert {"a": "2", "b": "1"} == dict(put(resolver, f"{name}/a", "2").fields)


def test_a_move_whose_answer_is_lost_has_moved(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    admin.create_secret(Name=name, SecretString='{"a": "1"}')
    lost = [True]

    def lose(**_: object) -> None:
        if lost:
            lost.pop()
            raise botocore.exceptions.ConnectionClosedError(endpoint_url="x")

    client = resolver._backend.regions.first.clients.get().get()
    client.meta.events.register(f"after-call.{MOVE}", lose)

    assert "2" == put(resolver, f"{name}/a", "2").fields["a"]
    assert 2 == versions(admin, name)


def test_where_others_write_again_and_again_it_is_a_conflict(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    admin.create_secret(Name=name, SecretString='{"a": "1"}')
    before_each(
        resolver,
        PUT,
        lambda: admin.put_secret_value(
            SecretId=name, SecretString=json.dumps({"a": "1", "b": secrets.token_hex(4)})
        ),
        times=10,
    )

    with pytest.raises(WriteConflict):
        put(resolver, f"{name}/a", "2")


def test_a_key_goes_into_a_secret_that_somebody_else_creates_at_the_same_time(
    resolver: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    before_each(resolver, CREATE, lambda: admin.create_secret(Name=name, SecretString='{"theirs": "1"}'))

    put(resolver, f"{name}/ours", "2")

    assert {"theirs": "1", "ours": "2"} == json.loads(current(admin, name))


def test_a_move_that_aws_refuses_for_another_reason_is_told(
    faulty: AwsResolver, server: FaultyServer
) -> None:
    server.answer(body=found('{"a": "1"}'), times=1)
    server.answer(body=json.dumps({"VersionId": "c" * 32}), times=1)
    server.answer(400, {}, refusal("InvalidParameterException"), times=2)
    server.answer(body=found('{"a": "1"}'))

    with pytest.raises(InvalidResponse, match="InvalidParameterException"):
        put(faulty, "pepipost/a", "2")

    assert [GET, PUT, MOVE, MOVE, GET] == calls(server)


def test_a_denial_to_move_says_which_right_is_missing(faulty: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=found('{"a": "1"}'), times=1)
    server.answer(body=json.dumps({"VersionId": "c" * 32}), times=1)
    server.answer(400, {}, refusal("AccessDeniedException"))

    with pytest.raises(AccessDenied, match="allow secretsmanager:UpdateSecretVersionStage on the secret"):
        put(faulty, "pepipost/a", "2")


@pytest.fixture
def faulty(server: FaultyServer) -> Iterator[AwsResolver]:
    resolver = AwsResolver(endpoint_url=server.url)
    yield resolver
    resolver.close()


def test_a_write_that_is_sent_again_is_the_same_write(
    faulty: AwsResolver, server: FaultyServer, canary: Canary
) -> None:
    server.answer(body=found("old"), times=1)
    server.answer(close=True, times=1)
    server.answer(503, times=1)
    server.answer(403, {}, refusal("AccessDeniedException"))

    with pytest.raises(AccessDenied):
        put(faulty, "pepipost", canary.text)

    sent = [json.loads(each.body) for each in server.requests if each.headers["x-amz-target"] == PUT]
    assert 3 == len(sent)
    assert 1 == len({json.dumps(each, sort_keys=True) for each in sent})
    assert 32 <= len(sent[0]["ClientRequestToken"]) <= 64


@pytest.mark.parametrize(
    ("code", "message", "right"),
    [
        ("AccessDeniedException", "", "secretsmanager:PutSecretValue on the secret 'pepipost'"),
        (
            "AccessDeniedException",
            "Access to KMS is not allowed",
            "kms:GenerateDataKey and kms:Decrypt on the key",
        ),
        ("EncryptionFailure", "", "kms:GenerateDataKey and kms:Decrypt on the key"),
    ],
)
def test_a_denial_says_which_right_is_missing(
    faulty: AwsResolver, server: FaultyServer, code: str, message: str, right: str
) -> None:
    server.answer(body=found("old"), times=1)
    server.answer(400, {}, refusal(code, message))

    with pytest.raises(AccessDenied) as raised:
        put(faulty, "pepipost", "x")

    assert f"allow {right}" in str(raised.value)


def test_a_denial_to_create_says_so(faulty: AwsResolver, server: FaultyServer) -> None:
    server.answer(400, {}, refusal("ResourceNotFoundException"), times=1)
    server.answer(400, {}, refusal("AccessDeniedException"))

    with pytest.raises(AccessDenied, match="allow secretsmanager:CreateSecret on the secret 'pepipost'"):
        put(faulty, "pepipost", "x")

    assert [GET, CREATE] == calls(server)


@pytest.mark.parametrize("body", ["<html>", "{}", '{"VersionId": 5}'])
def test_an_answer_without_a_version_is_broken(faulty: AwsResolver, server: FaultyServer, body: str) -> None:
    server.answer(body=found("old"), times=1)
    server.answer(body=body)

    with pytest.raises(InvalidResponse):
        put(faulty, "pepipost", "x")


def test_what_is_read_back_and_is_not_what_was_written_is_told(
    faulty: AwsResolver, server: FaultyServer, canary: Canary
) -> None:
    version = "c" * 32
    server.answer(body=found("old"), times=1)
    server.answer(body=json.dumps({"VersionId": version}), times=1)
    server.answer(body=found(canary.text).replace("a" * 32, version))

    with pytest.raises(InvalidResponse, match="read back") as raised:
        put(faulty, "pepipost", "x")

    assert_none_of([canary], printed(raised.value))


def test_only_the_first_region_is_written_to(server: FaultyServer) -> None:
    server.answer(503)
    with FaultyServer() as replica:
        resolver = AwsResolver(region=[REGION, "eu-west-1"], endpoint_url=[server.url, replica.url])
        with pytest.raises(BackendUnavailable):
            put(resolver, "pepipost", "x")
        resolver.close()

        assert [] == replica.requests


FAULTS: dict[str, Callable[[FaultyServer, Canary], None]] = {
    "denied": lambda server, canary: server.answer(400, {}, refusal("AccessDeniedException", canary.text)),
    "invalid": lambda server, canary: server.answer(
        400, {}, refusal("InvalidParameterException", canary.text)
    ),
    "failing": lambda server, canary: server.answer(500, {}, canary.text),
    "broken": lambda server, canary: server.answer(200, {}, f"<html>{canary.text}"),
    "closing": lambda server, canary: server.answer(close=True),
    "hanging": lambda server, canary: server.answer(delay=30),
}


@pytest.mark.parametrize("path", ["", "/api_key"], ids=["whole", "key"])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_error_shows_the_new_value_or_the_old_one(
    fault: str, path: str, server: FaultyServer, login: Login
) -> None:
    old, new = Canary(), Canary()
    server.answer(body=found(json.dumps({"api_key": "x", "other": old.text})), times=1)
    FAULTS[fault](server, new)
    resolver = AwsResolver(endpoint_url=server.url)

    with pytest.raises(ResolverError) as raised:
        put(resolver, f"pepipost{path}", new.text, timeout=0.9)
    resolver.close()

    assert_none_of([old, new, login.secret_key, login.session_token], _without_ours(raised.value))
    assert (None, None) == (raised.value.__cause__, raised.value.__context__)


def _without_ours(error: ResolverError) -> str:
    """Return what is printed of *error* below the frames of this test, which hold the value as it is given."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return printed(error.with_traceback(traceback))


def test_a_write_leaves_nothing_in_any_log(
    resolver: AwsResolver, name: str, login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    first, second, whole = Canary(), Canary(), Canary()

    put(resolver, f"{name}/api_key", first.text)
    put(resolver, f"{name}/api_key", second.text)
    put(resolver, name, whole.text)

    assert_none_of([first, second, whole, login.secret_key, login.session_token], caplog.text)
    assert [] == [each.name for each in caplog.records if each.name.startswith(("botocore", "boto3"))]
