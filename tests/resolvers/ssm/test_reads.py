"""What is asked for a name, and what an answer means."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from secretsource import ConfigError, InvalidReference, MissingDependency, Store
from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere
from secretsource.errors import InvalidResponse, Reason
from secretsource.resolvers import SupportsCheck
from secretsource.resolvers.ssm import SsmResolver
from tests.resolvers.aws.sts import Taken, assumed, key_of
from tests.resolvers.ssm.support import (
    fetch,
    found,
    login,
    moto,
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

__all__ = ["login", "moto", "resolver", "server", "spied", "ssm", "store"]


def fields(resolver: SsmResolver, name: str) -> Mapping[str, object]:
    answer = resolver.fetch(resolver.locate(name, document=True), Deadline(5))
    assert isinstance(answer, Document), answer
    return answer.fields


# Names and references


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("pepipost/api_key", "/pepipost/api_key"),
        ("stripe_key", "/stripe_key"),
        ("ssm://stripe_key", "stripe_key"),
        ("ssm:///stripe_key", "/stripe_key"),
        ("ssm://prod/email", "/prod/email"),
        ("ssm:///prod/email", "/prod/email"),
        ("ssm:///aws/reference/secretsmanager/x", "/aws/reference/secretsmanager/x"),
        (
            "ssm://arn%3Aaws%3Assm%3Aeu-central-1%3A123456789012%3Aparameter/a/b",
            "arn:aws:ssm:eu-central-1:123456789012:parameter/a/b",
        ),
    ],
)
def test_a_name_and_a_reference_stand_for_a_parameter(name: str, address: str) -> None:
    assert address == SsmResolver().locate(name).address


@pytest.mark.parametrize("prefix", ["prod/", "/prod/"])
def test_a_prefix_is_written_behind_the_first_slash_and_not_before_references(prefix: str) -> None:
    resolver = SsmResolver(prefix=prefix)
    assert "/prod/pepipost/api_key" == resolver.locate("pepipost/api_key").address
    assert "/prod/db/" == resolver.locate("db", document=True).address
    assert "stripe_key" == resolver.locate("ssm://stripe_key").address


def test_a_place_shows_version_label_member_and_region() -> None:
    resolver = SsmResolver(region="eu-central-1")
    assert "/a?version=3 in eu-central-1" == str(resolver.locate("ssm:///a?version=3"))
    assert "/a?stage=live#key in eu-central-1" == str(resolver.locate("ssm:///a?stage=live#key"))
    assert "/a/* in eu-central-1" == str(resolver.locate("a", document=True))


@pytest.mark.parametrize(
    "reference",
    [
        "ssm:///a?version=live",
        "ssm:///a?version=0",
        "ssm:///a?version=-1",
        "ssm:///a?stage=3",
        "ssm:///a?stage=a%3Ab",
        "ssm:///a?version=1&stage=live",
        "aws:///a",
    ],
)
def test_a_reference_to_what_a_parameter_does_not_have_is_refused(reference: str) -> None:
    with pytest.raises(InvalidReference):
        SsmResolver().locate(reference)


@pytest.mark.parametrize("rest", ["#key", "?version=1", "?stage=live"])
def test_a_path_has_no_version_and_no_member(rest: str) -> None:
    with pytest.raises(InvalidReference):
        SsmResolver().locate(f"ssm:///db{rest}", document=True)


@pytest.mark.parametrize(
    "name",
    [
        "a/b@c",
        "a=b",
        "a/" * 16 + "b",
        "aws/reference/secretsmanager/prod/db",
        "AWS/x",
    ],
)
def test_what_no_parameter_is_called_is_not_there_and_nobody_is_asked(
    resolver: SsmResolver, server: FaultyServer, name: str
) -> None:
    server.answer(body=found(secrets.token_hex()))
    for document in (False, True):
        answer = resolver.fetch(resolver.locate(name, document=document), Deadline(5))
        assert NotThere(Reason.MISSING, "no parameter can have this name") == answer
    assert [] == server.requests


def test_aws_says_so_too_of_a_name_that_it_does_not_allow(
    resolver: SsmResolver, server: FaultyServer
) -> None:
    words = """Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist …"""
    server.answer(400, {}, refusal("ValidationException", words))
    assert NotThere(Reason.MISSING, "no parameter can have this name") == fetch(resolver, "ssm/x")


def test_what_is_below_aws_itself_is_not_listed(resolver: SsmResolver, server: FaultyServer) -> None:
    answer = resolver.fetch(resolver.locate("aws", document=True), Deadline(5))
    assert isinstance(answer, NotThere)
    assert [] == server.requests


def test_a_prefix_may_lead_to_secrets_manager_because_the_operator_says_so(
    server: FaultyServer,
) -> None:
    value = secrets.token_hex()
    server.answer(body=found(value, "/aws/reference/secretsmanager/db"))
    resolver = SsmResolver(endpoint_url=server.url, prefix="/aws/reference/secretsmanager/")
    assert value == read(resolver, "db").value
    resolver.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"prefix": "a b"},
        {"prefix": "//a"},
        {"prefix": "a//b"},
        {"prefix": "a:1"},
        {"key_id": ""},
        {"key_id": "a key"},
        {"tier": "gold"},
        {"region": "x y"},
        {"profile": ""},
        {"endpoint_url": "http://example.com"},
        {"max_bytes": 0},
        {"role_arn": "x"},
        {"external_id": "alone"},
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_when_the_resolver_is_built(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        SsmResolver(**settings)  # type: ignore[arg-type]


def test_without_boto3_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    with pytest.raises(MissingDependency, match=r"secretsource\[aws\]"):
        SsmResolver()


# One parameter


@pytest.mark.parametrize("kind", ["SecureString", "String", "StringList"])
def test_every_type_is_its_text(ssm: SsmResolver, store: SSMClient, kind: str) -> None:
    name, value = secrets.token_hex(), f"{secrets.token_hex()},{secrets.token_hex()}"
    write(store, f"/t/{name}", value, kind)
    assert value == read(ssm, f"t/{name}").value


def test_a_member_of_a_parameter_that_is_a_json_object(ssm: SsmResolver, store: SSMClient) -> None:
    value = secrets.token_hex()
    write(store, "/json", json.dumps({"key": value, "port": 5432, "none": None}))
    locations = [ssm.locate(f"ssm:///json#{key}") for key in ("key", "port", "none", "other")]
    answers = [ssm.fetch(location, Deadline(5)) for location in locations]
    picked = [
        answer.pick(location.field) if isinstance(answer, Document) else answer
        for answer, location in zip(answers, locations, strict=True)
    ]
    assert [value, "5432", None, None] == picked


def test_a_version_and_a_label_can_be_asked_for(ssm: SsmResolver, store: SSMClient) -> None:
    old, new = secrets.token_hex(), secrets.token_hex()
    write(store, "/labelled", old)
    store.label_parameter_version(Name="/labelled", ParameterVersion=1, Labels=["live"])
    write(store, "/labelled", new)
    references = ["ssm:///labelled?version=1", "ssm:///labelled?stage=live", "ssm:///labelled"]
    documents = [read(ssm, reference) for reference in references]
    assert [old, old, new] == [document.value for document in documents]
    assert ["1", "1", "2"] == [document.version for document in documents]
    assert documents[2].created is not None


@pytest.mark.parametrize("reference", ["ssm:///gone", "ssm:///there?version=9", "ssm:///there?stage=other"])
def test_what_does_not_exist_is_not_there(ssm: SsmResolver, store: SSMClient, reference: str) -> None:
    write(store, "/there", secrets.token_hex())
    answer = fetch(ssm, reference)
    assert isinstance(answer, NotThere)
    assert Reason.MISSING is answer.reason


def test_a_parameter_without_a_slash_is_read_by_a_reference(ssm: SsmResolver, store: SSMClient) -> None:
    value, name = secrets.token_hex(), f"plain-{secrets.token_hex(4)}"
    write(store, name, value)
    assert value == read(ssm, f"ssm://{name}").value


def test_values_are_asked_for_decrypted(
    ssm: SsmResolver, store: SSMClient, spied: list[tuple[str, dict[str, object]]]
) -> None:
    write(store, "/secure", secrets.token_hex())
    read(ssm, "secure")
    assert [("GetParameter", {"Name": "/secure", "WithDecryption": True})] == spied


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"Parameter": {}}',
        '{"Parameter": null}',
        '{"Parameter": {"Name": "/pepipost/api_key"}}',
        '{"Parameter": {"Name": "/pepipost/api_key", "Value": ""}}',
        '{"Parameter": {"Name": "/pepipost/other", "Value": "x"}}',
        '{"Parameter": {"Value": "x"}}',
        "<html>",
        '{"Parameter": {"Name": "/pepip',
    ],
)
def test_a_200_without_the_parameter_is_no_answer(
    resolver: SsmResolver, server: FaultyServer, body: str
) -> None:
    server.answer(body=body)
    with pytest.raises(InvalidResponse, match="HTTP 200"):
        read(resolver)
    assert 2 == len(server.requests)


def test_a_value_over_the_limit_is_refused(server: FaultyServer) -> None:
    server.answer(body=found("x" * 101))
    resolver = SsmResolver(endpoint_url=server.url, max_bytes=100)
    with pytest.raises(InvalidResponse, match="more than 100 bytes"):
        read(resolver)
    resolver.close()


def test_a_role_is_taken_and_reads(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, value = Taken("ASIATAKEN"), secrets.token_hex()
    server.answer(body=found(value))
    with FaultyServer() as sts:
        sts.answer(body=assumed(taken))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        resolver = SsmResolver(endpoint_url=server.url, role_arn="arn:aws:iam::123456789012:role/app")
        assert value == read(resolver).value
        resolver.close()
    assert ["ASIATAKEN"] == [key_of(request) for request in server.requests]


# The parameters below a path


def test_the_parameters_right_below_a_path_are_its_fields(ssm: SsmResolver, store: SSMClient) -> None:
    stored = {f"field-{number}": secrets.token_hex() for number in range(25)}
    for field, value in stored.items():
        write(store, f"/pages/db/{field}", value)
    write(store, "/pages/db/deeper/user", secrets.token_hex())
    write(store, "/pages/dbx/user", secrets.token_hex())
    write(store, "/pages/db", secrets.token_hex())
    assert stored == fields(ssm, "pages/db")


def test_a_path_is_read_decrypted_and_not_deeper(
    ssm: SsmResolver, store: SSMClient, spied: list[tuple[str, dict[str, object]]]
) -> None:
    write(store, "/one/user", secrets.token_hex())
    fields(ssm, "one")
    assert [("GetParametersByPath", {"Path": "/one", "Recursive": False, "WithDecryption": True})] == spied


def test_a_path_with_nothing_below_is_not_there(ssm: SsmResolver) -> None:
    assert ssm.fetch(ssm.locate("nothing/here", document=True), Deadline(5)) is None


def page(*names: str, token: str | None = None) -> str:
    found = [{"Name": name, "Value": f"value of {name}", "Version": 1} for name in names]
    return json.dumps({"Parameters": found, **({} if token is None else {"NextToken": token})})


def test_an_empty_page_is_not_the_last_one(resolver: SsmResolver, server: FaultyServer) -> None:
    server.answer(body=page(token="1"), times=1)
    server.answer(body=page("/db/a", token="2"), times=1)
    server.answer(body=page("/db/b"), times=1)
    assert {"a": "value of /db/a", "b": "value of /db/b"} == fields(resolver, "db")
    assert [None, "1", "2"] == [json.loads(request.body).get("NextToken") for request in server.requests]


def test_a_page_that_fails_is_asked_for_again_and_not_all_of_them(
    resolver: SsmResolver, server: FaultyServer
) -> None:
    server.answer(body=page("/db/a", token="1"), times=1)
    server.answer(500, {}, "", times=1)
    server.answer(body=page("/db/b"), times=1)
    assert {"a", "b"} == set(fields(resolver, "db"))
    assert 3 == len(server.requests)


@pytest.mark.parametrize(
    "body",
    ["{}", '{"Parameters": null}', '{"Parameters": [1]}', page("/other/a"), page("/db/a/b"), page("/db/")],
)
def test_a_page_that_is_none_is_no_answer(resolver: SsmResolver, server: FaultyServer, body: str) -> None:
    server.answer(body=body)
    with pytest.raises(InvalidResponse):
        fields(resolver, "db")


def test_pages_without_an_end_come_to_one(
    resolver: SsmResolver, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secretsource.resolvers.ssm._paths._MOST_PAGES", 3)
    server.answer(body=page("/db/a", token="1"))
    with pytest.raises(InvalidResponse, match="more than 3 pages"):
        fields(resolver, "db")


# What is told


def test_the_policy_names_each_parameter_and_each_path() -> None:
    resolver = SsmResolver(region="us-gov-west-1")
    names = ["pepipost/api_key", "stripe_key", "ssm://plain"]
    names.append("what@no.parameter/is-called")
    places = [resolver.locate(name) for name in names] + [resolver.locate("db", document=True)]
    start = "arn:aws-us-gov:ssm:us-gov-west-1:ACCOUNT:parameter/"
    assert {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["ssm:GetParameter", "ssm:GetParameters"],
                "Resource": [f"{start}pepipost/api_key", f"{start}plain", f"{start}stripe_key"],
            },
            {
                "Effect": "Allow",
                "Action": ["ssm:GetParametersByPath"],
                "Resource": [f"{start}db", f"{start}db/*"],
            },
        ],
    } == json.loads(resolver.policy_for(places))


def test_the_policy_holds_only_what_is_asked_for() -> None:
    resolver = SsmResolver()
    policy = json.loads(resolver.policy_for([resolver.locate("ssm://arn%3Aaws%3Assm%3Ax%3A1%3Aparameter/a")]))
    assert ["arn:aws:ssm:x:1:parameter/a"] == policy["Statement"][0]["Resource"]
    assert 1 == len(policy["Statement"])
    assert "arn:aws:ssm:eu-central-1:ACCOUNT:parameter/a" in resolver.policy_for([resolver.locate("a")])


def test_check_says_who_we_are_and_reads_nothing(
    moto: Moto, ssm: SsmResolver, spied: list[tuple[str, dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)
    assert isinstance(ssm, SupportsCheck)
    assert ssm.check(Deadline(5)).identity.startswith("arn:aws:")
    assert [] == spied


def test_the_repr_shows_the_settings() -> None:
    shown = repr(SsmResolver(region="eu-central-1", prefix="prod/"))
    assert "region='eu-central-1'" in shown
    assert "prefix='prod/'" in shown


def test_a_store_reads_names_in_batches_and_paths(
    ssm: SsmResolver, store: SSMClient, spied: list[tuple[str, dict[str, object]]]
) -> None:
    values = {f"shop/{field}": secrets.token_hex() for field in ("user", "password")}
    for name, value in values.items():
        write(store, f"/{name}", value)
    with Store([ssm]) as chain:
        found = chain.get_many(values)
        assert values == {name: secret.value for name, secret in found.items()}
        assert {"user", "password"} == set(chain.get_fields("shop"))
    assert ["GetParameters", "GetParametersByPath"] == [name for name, _ in spied]
