"""What the tests of the resolver for Parameter Store share, beside what those for AWS have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import Document
from secretsource.resolvers.ssm import SsmResolver
from tests.resolvers.aws.support import (
    Canary,
    Login,
    assert_none_of,
    canary,
    login,
    moto,
    printed,
    refusal,
    server,
)
from tests.servers.faulty import FaultyServer, Received
from tests.servers.moto import REGION, Moto

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

__all__ = [
    "Canary",
    "Login",
    "assert_none_of",
    "canary",
    "login",
    "moto",
    "printed",
    "refusal",
    "server",
]


def ssm_client(moto: Moto) -> SSMClient:
    """Return a client for preparing a test; close it when done."""
    import boto3

    return boto3.client(
        "ssm",
        endpoint_url=moto.url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@pytest.fixture
def store(moto: Moto) -> Iterator[SSMClient]:
    client = ssm_client(moto)
    yield client
    client.close()


@pytest.fixture
def ssm(moto: Moto) -> Iterator[SsmResolver]:
    """Asks moto."""
    resolver = SsmResolver(endpoint_url=moto.url)
    yield resolver
    resolver.close()


@pytest.fixture
def resolver(server: FaultyServer) -> Iterator[SsmResolver]:
    """Asks the faulty server."""
    resolver = SsmResolver(endpoint_url=server.url)
    yield resolver
    resolver.close()


@pytest.fixture
def spied(ssm: SsmResolver) -> list[tuple[str, dict[str, object]]]:
    """Return a list that fills with what is asked of moto: each action with its arguments."""
    seen: list[tuple[str, dict[str, object]]] = []
    ssm._clients.get().get().meta.events.register(
        "before-parameter-build.ssm.*",
        lambda params, model, **_: seen.append((model.name, dict(params))),
        unique_id="spy",
    )
    return seen


def fetch(resolver: SsmResolver, name: str = "pepipost/api_key", *, timeout: float = 5.0) -> object:
    return resolver.fetch(resolver.locate(name), Deadline(timeout))


def read(resolver: SsmResolver, name: str = "pepipost/api_key", *, timeout: float = 5.0) -> Document:
    """Fetch *name*, which must be there."""
    answer = fetch(resolver, name, timeout=timeout)
    assert isinstance(answer, Document), answer
    return answer


def write(store: SSMClient, name: str, value: str, kind: str = "SecureString") -> None:
    store.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)  # type: ignore[arg-type]


def parameter(value: str, name: str = "/pepipost/api_key", version: int = 1) -> dict[str, object]:
    return {
        "Name": name,
        "Type": "SecureString",
        "Value": value,
        "Version": version,
        "LastModifiedDate": 1.7e9,
        "ARN": f"arn:aws:ssm:eu-central-1:1:parameter{name}",
        "DataType": "text",
    }


def found(value: str, name: str = "/pepipost/api_key", version: int = 1) -> str:
    """Return the body of a good answer of GetParameter."""
    return json.dumps({"Parameter": parameter(value, name, version)})


def action(request: Received) -> str:
    """Return which operation was asked for."""
    return request.headers["x-amz-target"].partition(".")[2]
