"""Who we are for AWS and until when, without reading a secret; and the smallest policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, BackendUnavailable, ConfigError, InvalidResponse
from secretsource.resolvers import Health, SupportsCheck, SupportsPolicy
from secretsource.resolvers.aws import AwsResolver
from tests.resolvers.aws.sts import Taken, assumed, refused
from tests.resolvers.aws.support import login, moto, server
from tests.servers._process import free_port
from tests.servers.faulty import FaultyServer
from tests.servers.moto import REGION, Moto

__all__ = ["login", "moto", "server"]

APP = "arn:aws:iam::123456789012:role/app"


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    with FaultyServer() as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        yield sts


def check(resolver: AwsResolver, *, timeout: float = 5.0) -> Health:
    health = resolver.check(Deadline(timeout))
    resolver.close()
    return health


def policy(resolver: AwsResolver, *names: str) -> list[dict[str, object]]:
    statements: list[dict[str, object]] = json.loads(
        resolver.policy_for([resolver.locate(name) for name in names])
    )["Statement"]
    return statements


def resources(resolver: AwsResolver, *names: str) -> object:
    return policy(resolver, *names)[0]["Resource"]


def test_it_can_be_asked() -> None:
    assert isinstance(AwsResolver(), SupportsCheck)
    assert isinstance(AwsResolver(), SupportsPolicy)


def test_aws_says_who_we_are_and_no_secret_is_read(
    moto: Moto, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)

    health = check(AwsResolver(endpoint_url=server.url))

    assert health.identity.startswith("arn:aws:sts::123456789012:")
    assert (None, f"region {REGION}, credentials from env") == (health.expires_in, health.detail)
    assert [] == server.requests


def test_with_a_role_it_is_the_role_and_its_end_is_known(
    moto: Moto, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)

    health = check(AwsResolver(endpoint_url=server.url, role_arn=APP, role_session_name="shop"))

    assert health.identity.endswith(":assumed-role/app/shop")
    assert 3590 < (health.expires_in or 0) <= 3600
    assert health.detail.endswith("credentials from assume-role")


def test_the_end_of_credentials_that_boto3_found_is_known_too(
    moto: Moto, server: FaultyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    ends_at = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    (tmp_path / "given.json").write_text(
        json.dumps(
            {
                "Version": 1,
                "AccessKeyId": "KEY",
                "SecretAccessKey": "x",
                "SessionToken": "x",
                "Expiration": ends_at,
            }
        )
    )
    (tmp_path / "aws_config_file").write_text(
        f"[default]\ncredential_process = cat {tmp_path / 'given.json'}\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)

    health = check(AwsResolver(endpoint_url=server.url))

    assert 7100 < (health.expires_in or 0) <= 7200
    assert health.detail.endswith("credentials from custom-process")


@pytest.mark.parametrize(
    "code", ["InvalidClientTokenId", "ExpiredToken", "SignatureDoesNotMatch", "AccessDenied"]
)
def test_refused_credentials_are_a_denial(sts: FaultyServer, server: FaultyServer, code: str) -> None:
    sts.answer(403, {}, refused(code))

    with pytest.raises(AccessDenied, match=code) as raised:
        check(AwsResolver(endpoint_url=server.url))

    assert raised.value.__context__ is None


def test_a_role_that_may_not_be_taken_is_a_denial(sts: FaultyServer, server: FaultyServer) -> None:
    sts.answer(403, {}, refused("AccessDenied"))

    with pytest.raises(AccessDenied, match=f"taking the role '{APP}'"):
        check(AwsResolver(endpoint_url=server.url, role_arn=APP))


def test_without_credentials_it_is_a_denial(
    sts: FaultyServer, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)

    with pytest.raises(AccessDenied, match="boto3 found no credentials"):
        check(AwsResolver(endpoint_url=server.url))


def test_an_sts_that_is_down_is_unavailable(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{free_port()}")

    with pytest.raises(BackendUnavailable):
        check(AwsResolver(endpoint_url=server.url))


@pytest.mark.parametrize("body", ["<html>", "", "<GetCallerIdentityResponse/>"])
def test_an_answer_without_an_identity_is_broken(sts: FaultyServer, server: FaultyServer, body: str) -> None:
    sts.answer(body=body)

    with pytest.raises(InvalidResponse):
        check(AwsResolver(endpoint_url=server.url))


def test_without_a_region_it_is_a_matter_of_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(ConfigError, match="no region"):
        check(AwsResolver())


def test_it_can_read_after_a_role_was_taken_for_the_check(sts: FaultyServer, server: FaultyServer) -> None:
    sts.answer(body=assumed(Taken("ROLE")), times=1)
    sts.answer(
        body="<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:x</Arn></GetCallerIdentityResult>"
        "</GetCallerIdentityResponse>"
    )

    health = check(AwsResolver(endpoint_url=server.url, role_arn=APP))

    assert ("arn:x", 2) == (health.identity, len(sts.requests))


def test_the_smallest_policy_names_each_secret_once() -> None:
    resolver = AwsResolver(region=REGION, prefix="prod/")

    said = resolver.policy_for(
        [
            resolver.locate(name)
            for name in ("pepipost/api_key", "pepipost/user", "stripe_key", "aws://mail#x")
        ]
    )

    arn = f"arn:aws:secretsmanager:{REGION}:ACCOUNT:secret:"
    assert {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue"],
                "Resource": [f"{arn}{name}-??????" for name in ("mail", "prod/pepipost", "prod/stripe_key")],
            }
        ],
    } == json.loads(said)


def test_with_batches_it_has_one_statement_more() -> None:
    assert {"Effect": "Allow", "Action": "secretsmanager:BatchGetSecretValue", "Resource": "*"} == policy(
        AwsResolver(batch=True), "a/b"
    )[1]


def test_an_agent_looks_for_the_versions_too() -> None:
    assert ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"] == policy(
        AwsResolver(transport="agent"), "a/b"
    )[0]["Action"]


def test_each_region_has_a_resource() -> None:
    assert [
        f"arn:aws:secretsmanager:{region}:ACCOUNT:secret:a-??????" for region in ("eu-central-1", "eu-west-1")
    ] == resources(AwsResolver(region=["eu-central-1", "eu-west-1"]), "a/b")


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_the_partition_is_that_of_the_region(region: str, partition: str) -> None:
    assert [f"arn:{partition}:secretsmanager:{region}:ACCOUNT:secret:a-??????"] == resources(
        AwsResolver(region=region), "a/b"
    )


def test_botocore_knows_the_same_partitions() -> None:
    import botocore.session

    from secretsource.resolvers._aws._partition import partition_of

    session = botocore.session.Session()
    for partition in session.get_available_partitions():
        regions = session.get_available_regions("secretsmanager", partition, allow_non_regional=False)
        assert {partition} == {partition_of(region) for region in regions} or regions == []


def test_an_arn_stands_as_it_is() -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:mail-AbCdEf"

    assert [arn] == resources(AwsResolver(region=REGION), f"aws://{arn.replace(':', '%3A')}")


def test_a_region_that_nobody_names_is_left_to_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    assert ["arn:aws:secretsmanager:REGION:ACCOUNT:secret:a-??????"] == resources(AwsResolver(), "a/b")
