"""Names and references lead to the right secret, and what AWS holds comes back exactly."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import Document, MaskedBytes, NotThere
from secretsource.errors import InvalidReference, InvalidResponse, Reason
from secretsource.resolvers import Resolver
from secretsource.resolvers.aws import AwsResolver
from tests.resolvers.aws.support import Canary, admin, canary, fetch, login, moto, read, resolver, server
from tests.servers.faulty import FaultyServer
from tests.servers.moto import Moto

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["admin", "canary", "login", "moto", "resolver", "server"]


@pytest.fixture
def aws(moto: Moto) -> Iterator[AwsResolver]:
    resolver = AwsResolver(endpoint_url=moto.url)
    yield resolver
    resolver.close()


@pytest.fixture
def name() -> str:
    return f"s-{secrets.token_hex(6)}"


def test_it_is_a_resolver(aws: AwsResolver) -> None:
    assert isinstance(aws, Resolver)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("pepipost/api_key", "dev/pepipost#api_key"),
        ("email/prod/pepipost/api_key", "dev/email/prod/pepipost#api_key"),
        ("stripe_key", "dev/stripe_key"),
        ("aws://pepipost#api_key", "pepipost#api_key"),
        ("aws://prod/email", "prod/email"),
        ("aws://prod/email?stage=AWSPREVIOUS#pepipost", "prod/email?stage=AWSPREVIOUS#pepipost"),
        ("aws://prod/email?version=abc", "prod/email?version=abc"),
        ("aws:///prod/email", "/prod/email"),
    ],
)
def test_a_prefix_applies_to_names_and_not_to_references(asked: str, shown: str) -> None:
    assert shown == str(AwsResolver(prefix="dev/").locate(asked))


def test_a_name_of_a_whole_document_has_no_field() -> None:
    location = AwsResolver().locate("db/primary", document=True)

    assert ("db/primary", None, True) == (location.address, location.field, location.document)


def test_the_region_is_shown_where_it_is_configured() -> None:
    assert "pepipost#api_key in eu-west-1" == str(AwsResolver(region="eu-west-1").locate("pepipost/api_key"))


def test_fields_of_one_secret_are_one_document() -> None:
    first, second = (AwsResolver().locate(f"db/primary/{field}") for field in ("user", "password"))

    assert first.address == second.address == "db/primary"


def test_an_arn_can_be_referred_to() -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pepipost-AbCdEf"
    location = AwsResolver().locate(f"aws://{arn.replace(':', '%3A')}#api_key")

    assert (arn, "api_key") == (location.address, location.field)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "a//b",
        "../a",
        "a b",
        "a?stage=X",
        "vault://a",
        "aws://",
        "aws://a?region=x",
        "aws://a/../b",
        "aws://a%2Fb",
    ],
)
def test_what_is_no_name_of_ours_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidReference):
        AwsResolver().locate(wrong)


def test_a_field_of_a_whole_document_is_refused() -> None:
    with pytest.raises(InvalidReference, match="leave out '#'"):
        AwsResolver().locate("aws://db#password", document=True)


def test_a_second_resolver_has_a_scheme_of_its_own() -> None:
    resolver = AwsResolver("aws-eu")

    assert "db" == resolver.locate("aws-eu://db").address
    with pytest.raises(InvalidReference, match="does not belong to the resolver 'aws-eu'"):
        resolver.locate("aws://db")


def test_a_field_is_found(aws: AwsResolver, admin: SecretsManagerClient, name: str, canary: Canary) -> None:
    admin.create_secret(Name=name, SecretString=json.dumps({"api_key": canary.text, "url": "x"}))

    document = read(aws, f"{name}/api_key")

    assert canary.text == document.pick("api_key")
    assert {"api_key", "url"} == set(document.fields)


def test_a_whole_string_is_returned_as_it_stands(
    aws: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    text = '  {"a": 1} \n'
    admin.create_secret(Name=name, SecretString=text)

    assert text == read(aws, name).value


def test_a_prefix_leads_to_another_secret(moto: Moto, admin: SecretsManagerClient, name: str) -> None:
    admin.create_secret(Name=f"prod/{name}", SecretString="prod")
    admin.create_secret(Name=name, SecretString="plain")
    resolver = AwsResolver(endpoint_url=moto.url, prefix="prod/")

    assert ["prod", "plain"] == [read(resolver, asked).value for asked in (name, f"aws://{name}")]
    resolver.close()


def test_binary_comes_back_byte_for_byte(aws: AwsResolver, admin: SecretsManagerClient, name: str) -> None:
    raw = bytes(range(256)) + b"\n"
    admin.create_secret(Name=name, SecretBinary=raw)

    document = read(aws, name)

    assert isinstance(document.value, MaskedBytes)
    assert raw == document.value
    assert {} == document.fields


def test_version_and_date_are_told(aws: AwsResolver, admin: SecretsManagerClient, name: str) -> None:
    version = admin.create_secret(Name=name, SecretString="x")["VersionId"]

    document = read(aws, name)

    assert version == document.version
    assert document.created is not None
    assert abs((datetime.now(UTC) - document.created).total_seconds()) < 60


def test_stages_and_versions_are_told_apart(aws: AwsResolver, admin: SecretsManagerClient, name: str) -> None:
    first = admin.create_secret(Name=name, SecretString="one")["VersionId"]
    admin.put_secret_value(SecretId=name, SecretString="two")
    admin.put_secret_value(SecretId=name, SecretString="three", VersionStages=["AWSPENDING"])
    asked = [
        f"aws://{name}",
        f"aws://{name}?stage=AWSPREVIOUS",
        f"aws://{name}?stage=AWSPENDING",
        f"aws://{name}?version={first}",
        f"aws://{name}?version={first}&stage=AWSPREVIOUS",
    ]

    assert ["two", "one", "three", "one", "one"] == [read(aws, reference).value for reference in asked]


def test_a_missing_secret_is_not_there(aws: AwsResolver) -> None:
    assert NotThere(Reason.MISSING) == fetch(aws, "no/such/secret")


@pytest.mark.parametrize("query", ["stage=AWSPENDING", f"version={'f' * 32}", "version=short"])
def test_a_missing_version_or_stage_is_not_there(
    aws: AwsResolver, admin: SecretsManagerClient, name: str, query: str
) -> None:
    admin.create_secret(Name=name, SecretString="x")

    answer = fetch(aws, f"aws://{name}?{query}")

    assert isinstance(answer, NotThere)
    assert Reason.MISSING == answer.reason
    assert "version" in answer.detail


def test_a_secret_that_is_to_be_deleted_is_not_there(
    aws: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    admin.create_secret(Name=name, SecretString="x")
    admin.delete_secret(SecretId=name, RecoveryWindowInDays=7)

    assert NotThere(Reason.DELETED, "scheduled for deletion") == fetch(aws, name)


def test_members_that_are_no_strings_come_as_their_json_text(
    aws: AwsResolver, admin: SecretsManagerClient, name: str
) -> None:
    text = '{"port": 5432, "price": 1.10, "tls": true, "none": null, "hosts": ["a", {"b": 1.0}], "empty": ""}'
    admin.create_secret(Name=name, SecretString=text)

    document = read(aws, name)

    expected = {"port": "5432", "price": "1.10", "tls": "true", "hosts": '["a", {"b": 1.0}]', "empty": ""}
    assert expected == dict(document.fields)


@pytest.mark.parametrize("text", ["[1, 2]", '"text"', "7", "null", "{broken", "plain"])
def test_a_string_that_is_no_object_has_no_fields(
    aws: AwsResolver, admin: SecretsManagerClient, name: str, text: str
) -> None:
    admin.create_secret(Name=name, SecretString=text)

    document = read(aws, f"{name}/field")

    assert (text, None) == (document.value, document.pick("field"))


def test_one_read_is_one_request(moto: Moto, admin: SecretsManagerClient, name: str) -> None:
    admin.create_secret(Name=name, SecretString='{"a": "1", "b": "2"}')
    resolver = AwsResolver(endpoint_url=moto.url)

    answer = resolver.fetch(resolver.locate(name, document=True), Deadline(5))

    assert isinstance(answer, Document)
    assert {"a": "1", "b": "2"} == dict(answer.fields)
    resolver.close()


def test_a_profile_brings_its_region_and_credentials(
    moto: Moto, admin: SecretsManagerClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable)
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        "[profile app]\nregion = eu-central-1\naws_access_key_id = AKIAAPP\naws_secret_access_key = x\n"
    )
    admin.create_secret(Name=name, SecretString="x")
    resolver = AwsResolver(endpoint_url=moto.url, profile="app")

    assert "x" == read(resolver, name).value
    resolver.close()


def test_aws_region_is_the_last_resort(
    moto: Moto, admin: SecretsManagerClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    admin.create_secret(Name=name, SecretString="x")
    resolver = AwsResolver(endpoint_url=moto.url)

    assert "x" == read(resolver, name).value
    resolver.close()


def test_the_mock_of_moto_stands_in_for_aws(canary: Canary) -> None:
    import boto3
    import moto as moto_package

    with moto_package.mock_aws():
        boto3.client("secretsmanager").create_secret(Name="mocked", SecretString=canary.text)
        resolver = AwsResolver()
        assert canary.text == read(resolver, "mocked").value
        resolver.close()


def test_the_answer_for_another_secret_is_broken(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=json.dumps({"Name": "other", "SecretString": "x"}))

    with pytest.raises(InvalidResponse, match="another secret or version than the one that was asked for"):
        fetch(resolver)
