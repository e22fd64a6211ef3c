"""Neither values nor credentials show up, and what reads is as safe as the resolver for Secrets Manager."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable

import boto3
import pytest

from secretsource._deadline import Deadline
from secretsource.errors import BackendUnavailable, ConfigError, Reason, ResolverError
from secretsource.resolvers.ssm import SsmResolver
from tests.resolvers.ssm.support import (
    Canary,
    Login,
    assert_none_of,
    canary,
    fetch,
    found,
    login,
    parameter,
    printed,
    read,
    resolver,
    server,
)
from tests.servers.faulty import FaultyServer

__all__ = ["canary", "login", "resolver", "server"]


@pytest.fixture
def hidden(canary: Canary, login: Login) -> list[Canary]:
    """Everything that must not show up."""
    return [canary, login.secret_key, login.session_token]


def spoilt(canary: Canary) -> str:
    """Return the body of an answer that has values and is none."""
    value = {"Value": canary.text}
    return json.dumps({"Parameter": value, "Parameters": [value], "Message": canary.text})


def many(resolver: SsmResolver) -> object:
    return resolver.fetch_many([resolver.locate("pepipost/api_key"), resolver.locate("b")], Deadline(2))


def below(resolver: SsmResolver) -> object:
    return resolver.fetch(resolver.locate("pepipost", document=True), Deadline(2))


@pytest.mark.parametrize("ask", [fetch, many, below])
def test_a_read_of_ours_leaves_nothing_in_the_logs_of_botocore(
    resolver: SsmResolver,
    server: FaultyServer,
    ask: Callable[[SsmResolver], object],
    hidden: list[Canary],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    one = parameter(hidden[0].text)
    server.answer(body=json.dumps({"Parameter": one, "Parameters": [one], "InvalidParameters": ["/b"]}))
    answer = ask(resolver)
    assert [] == [record.name for record in caplog.records if record.name.startswith(("botocore", "boto3"))]
    assert_none_of(hidden, caplog.text + repr(answer))


def test_a_read_of_the_application_is_logged_as_before(
    resolver: SsmResolver, server: FaultyServer, canary: Canary, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer(body=found(canary.text))
    read(resolver)
    caplog.set_level(logging.DEBUG)
    client = boto3.session.Session().client("ssm", endpoint_url=server.url)
    client.get_parameter(Name="/pepipost/api_key")
    client.close()
    assert canary.text in caplog.text


@pytest.mark.parametrize("ask", [fetch, below])
@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_a_failing_read_leads_to_no_value_and_no_credential(
    resolver: SsmResolver,
    server: FaultyServer,
    ask: Callable[[SsmResolver], object],
    status: int,
    hidden: list[Canary],
) -> None:
    server.answer(status, {}, spoilt(hidden[0]))
    with pytest.raises(ResolverError) as caught:
        ask(resolver)
    assert_none_of(hidden, printed(caught.value))


def test_it_is_not_pickled_or_copied(resolver: SsmResolver) -> None:
    for refuse in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="SsmResolver is not pickled"):
            refuse(resolver)


def test_a_wrong_address_with_a_password_is_in_no_frame(canary: Canary) -> None:
    with pytest.raises(ConfigError) as caught:
        SsmResolver(endpoint_url=f"https://user:{canary.text}@example.com")
    assert_none_of([canary], printed(caught.value))


def test_an_answer_that_drips_ends_with_the_deadline(resolver: SsmResolver, server: FaultyServer) -> None:
    server.answer(body=found("x" * 1000), drip=1)
    with pytest.raises(BackendUnavailable) as caught:
        fetch(resolver, timeout=0.4)
    assert Reason.TIMEOUT is caught.value.reason
