"""Writing parameters: what is asked of AWS, what stays as it was, and who else writes at the same time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
    WriteConflict,
)
from secretsource.resolvers import SupportsPut
from secretsource.resolvers.ssm import SsmResolver
from tests.resolvers.ssm.support import (
    Canary,
    action,
    assert_none_of,
    canary,
    found,
    login,
    moto,
    printed,
    read,
    refusal,
    resolver,
    server,
    spied,
    ssm,
    store,
    write,
)
from tests.servers.faulty import FaultyServer
from tests.servers.moto import Moto

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

__all__ = ["canary", "login", "moto", "resolver", "server", "spied", "ssm", "store"]

Asked = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def name() -> str:
    return f"put/{secrets.token_hex(6)}"


def put(resolver: SsmResolver, name: str, value: str | bytes, expected: str | None = None) -> Document:
    return resolver.put(resolver.locate(name), value, Deadline(5), expected=expected)


def written(spied: Asked) -> list[dict[str, Any]]:
    """Return the arguments of what was written, without the value."""
    return [
        {key: params[key] for key in params if key != "Value"}
        for asked, params in spied
        if asked == "PutParameter"
    ]


def meanwhile(resolver: SsmResolver, work: Callable[[], object], *, times: int = 1) -> None:
    """Let *work* be done by somebody else right before ours is written."""
    left = [work] * times
    resolver._clients.get().get().meta.events.register(
        "before-parameter-build.ssm.PutParameter", lambda **_: left and left.pop()(), unique_id="other"
    )


# Whole values


def test_it_can_write(ssm: SsmResolver) -> None:
    assert isinstance(ssm, SupportsPut)


def test_a_new_parameter_is_a_secure_string(ssm: SsmResolver, name: str, spied: Asked) -> None:
    value = secrets.token_hex()
    document = put(ssm, name, value)
    assert (value, "1") == (document.value, document.version)
    assert [{"Name": f"/{name}", "Type": "SecureString", "Overwrite": False}] == written(spied)
    assert value == read(ssm, name).value


@pytest.mark.parametrize("kind", ["String", "StringList", "SecureString"])
def test_a_known_parameter_keeps_its_type(ssm: SsmResolver, store: SSMClient, name: str, kind: str) -> None:
    write(store, f"/{name}", secrets.token_hex(), kind)
    value = secrets.token_hex()
    assert "2" == put(ssm, name, value).version
    parameter = store.get_parameter(Name=f"/{name}", WithDecryption=True)["Parameter"]
    assert (value, kind) == (parameter["Value"], parameter["Type"])


def test_a_known_parameter_keeps_its_key(ssm: SsmResolver, store: SSMClient, name: str, spied: Asked) -> None:
    store.put_parameter(Name=f"/{name}", Value="x", Type="SecureString", KeyId="alias/shop")
    put(ssm, name, secrets.token_hex())
    assert ["alias/shop"] == [asked.get("KeyId") for asked in written(spied)]


def test_the_key_of_aws_itself_is_not_asked_for_by_name(ssm: SsmResolver, name: str, spied: Asked) -> None:
    for _ in range(2):
        put(ssm, name, secrets.token_hex())
    assert [None, None] == [asked.get("KeyId") for asked in written(spied)]


def test_the_setting_gives_the_key_and_the_known_one_is_not_asked_for(
    moto: Moto, store: SSMClient, name: str
) -> None:
    resolver = SsmResolver(endpoint_url=moto.url, key_id="alias/ours")
    for _ in range(2):
        put(resolver, name, secrets.token_hex())
    (described,) = store.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [f"/{name}"]}]
    )["Parameters"]
    assert "alias/ours" == described.get("KeyId")
    resolver.close()


@pytest.mark.parametrize("value", ["ä€🔑", " blanks ", "one\ntwo\n", '{"a": 1}', "'\"\\"])
def test_a_value_is_written_to_the_last_character(ssm: SsmResolver, name: str, value: str) -> None:
    assert value == put(ssm, name, value).value
    assert value == read(ssm, name).value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"bytes", "cannot hold bytes"),
        ("", "cannot hold an empty value"),
        ("\ud800", "half of a surrogate pair"),
        ("x" * 4097, "more than 4,096 bytes; set tier = 'advanced'"),
        ("ä" * 2049, "more than 4,096 bytes"),
    ],
)
def test_what_a_parameter_cannot_hold_is_refused_and_nothing_is_written(
    ssm: SsmResolver, name: str, value: str | bytes, words: str, spied: Asked
) -> None:
    with pytest.raises(InvalidValue, match=words):
        put(ssm, name, value)
    assert [] == written(spied)


def test_the_advanced_tier_takes_twice_as_much(moto: Moto, name: str) -> None:
    resolver = SsmResolver(endpoint_url=moto.url, tier="advanced")
    assert 8192 == len(put(resolver, name, "x" * 8192).value or "")
    with pytest.raises(InvalidValue, match=r"more than 8,192 bytes$"):
        put(resolver, name, "x" * 8193)
    resolver.close()


def test_the_tier_is_said_to_aws(server: FaultyServer) -> None:
    server.answer(400, {}, refusal("ParameterNotFound"), times=1)
    server.answer(body='{"Version": 1}', times=1)
    server.answer(body=found("x", version=1))
    resolver = SsmResolver(endpoint_url=server.url, tier="advanced")
    put(resolver, "pepipost/api_key", "x")
    assert "Advanced" == json.loads(server.requests[1].body)["Tier"]
    resolver.close()


@pytest.mark.parametrize(
    "reference",
    [
        "ssm:///a?version=1",
        "ssm:///a?stage=live",
        "ssm:///aws/reference/secretsmanager/a",
        "ssm://arn%3Aaws%3Assm%3Ax%3A1%3Aparameter/a",
        "a@b",
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_asked(
    resolver: SsmResolver, server: FaultyServer, reference: str
) -> None:
    with pytest.raises(InvalidReference, match="cannot be written"):
        put(resolver, reference, "x")
    assert [] == server.requests


def test_a_path_cannot_be_written(resolver: SsmResolver) -> None:
    with pytest.raises(InvalidReference):
        resolver.put(resolver.locate("db", document=True), "x", Deadline(5))


# One member of a JSON object


def test_one_member_is_written_and_the_others_stay_to_the_last_character(
    ssm: SsmResolver, store: SSMClient, name: str
) -> None:
    write(store, f"/{name}", '{"port" : 1.10,\n "user":"old", "list":[ 1 ]}')
    value = secrets.token_hex()
    document = put(ssm, f"ssm:///{name}#user", value)
    assert value == document.pick("user")
    assert f'{{"port" : 1.10,\n "user":"{value}", "list":[ 1 ]}}' == read(ssm, name).value


def test_a_member_of_a_parameter_that_is_not_there_makes_it(ssm: SsmResolver, name: str) -> None:
    value = secrets.token_hex()
    put(ssm, f"ssm:///{name}#user", value)
    assert {"user": value} == json.loads(str(read(ssm, name).value))


def test_a_member_may_be_empty(ssm: SsmResolver, name: str) -> None:
    assert "" == put(ssm, f"ssm:///{name}#user", "").pick("user")


def test_a_parameter_that_is_no_object_is_left_as_it_is(
    ssm: SsmResolver, store: SSMClient, name: str, spied: Asked
) -> None:
    write(store, f"/{name}", "plain text")
    with pytest.raises(InvalidValue, match="is no JSON object, so it has no keys"):
        put(ssm, f"ssm:///{name}#user", secrets.token_hex())
    assert [] == written(spied)


def test_a_member_that_somebody_else_writes_at_the_same_time_is_kept(
    ssm: SsmResolver, store: SSMClient, name: str
) -> None:
    ours, theirs = secrets.token_hex(), secrets.token_hex()
    write(store, f"/{name}", '{"user": "old", "other": "old"}')
    meanwhile(ssm, lambda: write(store, f"/{name}", json.dumps({"user": "old", "other": theirs})))
    document = put(ssm, f"ssm:///{name}#user", ours)
    assert {"user": ours, "other": theirs} == json.loads(str(read(ssm, name).value))
    assert {"user": ours, "other": theirs} == document.fields


def test_the_changes_of_several_others_at_the_same_time_are_kept(
    ssm: SsmResolver, store: SSMClient, name: str
) -> None:
    ours, theirs = secrets.token_hex(), secrets.token_hex()
    write(store, f"/{name}", '{"user": "old", "port": 1, "other": "old"}')
    # The second one has read what we wrote over the first one's change.
    changes = [{"user": "old", "port": 2, "other": "old"}, {"user": ours, "port": 1, "other": theirs}]
    meanwhile(ssm, lambda: write(store, f"/{name}", json.dumps(changes.pop(0))), times=2)
    put(ssm, f"ssm:///{name}#user", ours)
    assert {"user": ours, "port": 2, "other": theirs} == json.loads(str(read(ssm, name).value))


def test_a_parameter_that_somebody_else_makes_at_the_same_time_is_not_overwritten(
    ssm: SsmResolver, store: SSMClient, name: str
) -> None:
    ours, theirs = secrets.token_hex(), secrets.token_hex()
    meanwhile(ssm, lambda: write(store, f"/{name}", json.dumps({"other": theirs})))
    put(ssm, f"ssm:///{name}#user", ours)
    assert {"user": ours, "other": theirs} == json.loads(str(read(ssm, name).value))


def test_others_who_write_all_the_time_are_a_conflict(ssm: SsmResolver, store: SSMClient, name: str) -> None:
    write(store, f"/{name}", "{}")
    meanwhile(ssm, lambda: write(store, f"/{name}", json.dumps({secrets.token_hex(): ""})), times=20)
    with pytest.raises(WriteConflict, match="all the time"):
        put(ssm, f"ssm:///{name}#user", secrets.token_hex())


# Versions that are expected


def test_the_expected_version_is_replaced(ssm: SsmResolver, store: SSMClient, name: str) -> None:
    write(store, f"/{name}", secrets.token_hex())
    assert "2" == put(ssm, name, secrets.token_hex(), expected="1").version


@pytest.mark.parametrize("expected", ["1", "3", "x"])
def test_another_version_than_the_expected_one_is_a_conflict_and_nothing_is_written(
    ssm: SsmResolver, store: SSMClient, name: str, spied: Asked, expected: str
) -> None:
    for _ in range(2):
        write(store, f"/{name}", secrets.token_hex())
    with pytest.raises(WriteConflict, match="the current version is 2") as caught:
        put(ssm, name, secrets.token_hex(), expected=expected)
    assert Reason.CONFLICT is caught.value.reason
    assert [] == written(spied)


def test_a_version_that_is_expected_of_nothing_is_a_conflict(ssm: SsmResolver, name: str) -> None:
    with pytest.raises(WriteConflict, match="the current version is none"):
        put(ssm, name, secrets.token_hex(), expected="1")


def test_a_change_between_the_look_and_the_write_is_told(
    ssm: SsmResolver, store: SSMClient, name: str
) -> None:
    write(store, f"/{name}", secrets.token_hex())
    meanwhile(ssm, lambda: write(store, f"/{name}", secrets.token_hex()))
    with pytest.raises(WriteConflict, match="somebody else wrote version 2 at the same moment"):
        put(ssm, name, secrets.token_hex(), expected="1")


# What fails


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ValidationException", "AWS calls it invalid"),
        ("ParameterPatternMismatchException", "AllowedPattern"),
    ],
)
def test_a_value_that_aws_refuses_is_an_invalid_value(
    resolver: SsmResolver, server: FaultyServer, code: str, words: str
) -> None:
    server.answer(400, {}, refusal("ParameterNotFound"), times=1)
    server.answer(400, {}, refusal(code, "x"))
    with pytest.raises(InvalidValue, match=words):
        put(resolver, "a", secrets.token_hex())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal("AccessDeniedException", "x"), "allow ssm:PutParameter on the parameter '/a'"),
        (refusal("InvalidKeyId", "x"), "kms:GenerateDataKey"),
    ],
)
def test_a_denial_names_the_right_to_write(
    resolver: SsmResolver, server: FaultyServer, answer: str, words: str
) -> None:
    server.answer(400, {}, refusal("ParameterNotFound"), times=1)
    server.answer(400, {}, answer)
    with pytest.raises(AccessDenied, match=words):
        put(resolver, "a", secrets.token_hex())


def test_what_was_not_kept_is_noticed(resolver: SsmResolver, server: FaultyServer) -> None:
    server.answer(400, {}, refusal("ParameterNotFound"), times=1)
    server.answer(body='{"Version": 1}', times=1)
    server.answer(body=found("another value", version=1))
    with pytest.raises(InvalidResponse, match="is not what was written"):
        put(resolver, "pepipost/api_key", "a value")


@pytest.mark.parametrize("body", ["{}", "<html>", '{"Version": 0}', '{"Version": "x"}'])
def test_an_answer_without_a_version_is_none(resolver: SsmResolver, server: FaultyServer, body: str) -> None:
    server.answer(400, {}, refusal("ParameterNotFound"), times=1)
    server.answer(body=body)
    with pytest.raises(InvalidResponse, match="HTTP 200 without a version"):
        put(resolver, "a", secrets.token_hex())


def test_a_write_whose_answer_was_lost_is_written_once_more(
    resolver: SsmResolver, server: FaultyServer
) -> None:
    """The version before is then our own, and no change of somebody else."""
    server.answer(body=found("old", version=1), times=1)
    server.answer(body='{"Parameters": []}', times=1)  # the key
    server.answer(500, {}, "", times=1)
    server.answer(body='{"Version": 3}', times=1)
    server.answer(body=found("new", version=3), times=1)
    server.answer(body=found("new", version=2), times=1)
    document = put(resolver, "pepipost/api_key", "new", expected="1")
    assert "3" == document.version
    assert 2 == [action(request) for request in server.requests].count("PutParameter")


def test_no_failure_of_a_write_holds_the_value(
    resolver: SsmResolver, server: FaultyServer, canary: Canary, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    location = resolver.locate("ssm:///pepipost/api_key#key")
    for answers in ([500], [200, 500], [200, 200, 200]):
        server.reset()
        for status in answers:
            server.answer(status, {}, found("{}") if status == 200 else canary.text, times=1)
        server.answer(500, {}, canary.text)
        with pytest.raises((BackendUnavailable, InvalidResponse)) as caught:
            resolver.put(location, canary.text, Deadline(2))
        assert_none_of([canary], printed(caught.value) + caplog.text)


def test_a_write_of_ours_leaves_nothing_in_the_logs_of_botocore(
    ssm: SsmResolver, name: str, canary: Canary, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for reference in (name, name, f"ssm:///{name}-json#key", f"ssm:///{name}-json#key"):
        put(ssm, reference, canary.text)
    assert [] == [record.name for record in caplog.records if record.name.startswith(("botocore", "boto3"))]
    assert_none_of([canary], caplog.text)
