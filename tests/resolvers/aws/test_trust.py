"""Whom the chain of credentials and the client speak to, and what no header and no status makes of an answer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    InvalidResponse,
    Reason,
    ResolverError,
)
from secretsource.resolvers._aws._connections import _POOLS, _Proxies
from secretsource.resolvers.aws import AwsResolver
from tests.resolvers.aws.support import Canary, Login, fetch, found, login, read, refusal, resolver, server
from tests.servers._process import free_port
from tests.servers.faulty import FaultyServer

__all__ = ["login", "resolver", "server"]


@pytest.fixture
def no_credentials(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """A proxy for all that is asked over plain http, which answers in the place of the server."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with FaultyServer() as proxy:
        proxy.answer(body=found("the proxy's"))
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        yield proxy


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch, no_credentials: None) -> Iterator[FaultyServer]:
    """The service of an instance that hands out credentials."""
    roles = "/latest/meta-data/iam/security-credentials/"
    keys = {"Code": "Success", "AccessKeyId": "ROLE", "SecretAccessKey": "x", "Token": "x"}
    keys |= {"Expiration": "2099-01-01T00:00:00Z", "LastUpdated": "2026-01-01T00:00:00Z"}
    with FaultyServer() as metadata:
        metadata.answer(body="token", path="/latest/api/token")
        metadata.answer(body="app", path=roles)
        metadata.answer(body=json.dumps(keys), path=f"{roles}app")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url)
        yield metadata


def test_plain_http_knows_no_proxy(resolver: AwsResolver, server: FaultyServer, proxy: FaultyServer) -> None:
    server.answer(body=found("the server's"))

    assert "the server's" == read(resolver).value
    assert 0 == proxy.connections


def test_where_nothing_listens_no_proxy_answers(login: Login, proxy: FaultyServer) -> None:
    with pytest.raises(BackendUnavailable) as caught:
        fetch(AwsResolver(endpoint_url=f"http://127.0.0.1:{free_port()}"))

    assert (Reason.REFUSED, 0) == (caught.value.reason, proxy.connections)


def test_credentials_of_an_instance_are_asked_for_without_a_proxy(
    instance: FaultyServer, server: FaultyServer, proxy: FaultyServer
) -> None:
    server.answer(body=found("x"))
    resolver = AwsResolver(endpoint_url=server.url)

    assert "x" == read(resolver).value
    assert 0 == proxy.connections
    assert "Credential=ROLE/" in server.requests[0].headers["authorization"]
    resolver.close()


def test_https_still_goes_through_its_proxy(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultyServer() as proxy:
        proxy.answer(502)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with pytest.raises(BackendUnavailable):
            fetch(AwsResolver(endpoint_url="https://host.invalid"), timeout=2.0)

        assert ("CONNECT", "host.invalid:443") == proxy.requests[0][:2]


def test_our_connections_are_in_place_with_this_version_of_botocore(resolver: AwsResolver) -> None:
    session: Any = resolver._backend.regions.first.clients.get().get()._endpoint.http_session._inner

    assert (_POOLS, _POOLS) == (session._pool_classes_by_scheme, session._manager.pool_classes_by_scheme)
    assert isinstance(session._proxy_config, _Proxies)


def test_a_token_is_not_posted_in_the_clear(
    no_credentials: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: FaultyServer
) -> None:
    token = tmp_path / "token"
    token.write_text(Canary().text)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/app")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://sts.invalid:8080")

    with pytest.raises(ConfigError, match=r"the endpoint for AWS \(sts\) is http on 'sts\.invalid'"):
        fetch(AwsResolver(endpoint_url=server.url))
    assert [] == server.requests


def test_a_role_is_not_asked_for_in_the_clear(
    no_credentials: None, monkeypatch: pytest.MonkeyPatch, server: FaultyServer
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://sts.invalid:8080")
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/app\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = x\n"
    )

    with pytest.raises(ConfigError, match=r"\(sts\) is http on 'sts\.invalid'"):
        fetch(AwsResolver(endpoint_url=server.url))


@pytest.mark.parametrize("name", ["x-amz-retry-after", "Retry-After"])
@pytest.mark.parametrize("header", ["9" * 400, "9" * 5000, "-1", "²", "", "nan", "inf", "1e999", "soon"])
def test_no_header_makes_another_thing_of_a_denial(
    resolver: AwsResolver, server: FaultyServer, name: str, header: str
) -> None:
    server.answer(400, {name: header}, refusal("AccessDeniedException"))

    with pytest.raises(AccessDenied):
        fetch(resolver)
    assert 1 == len(server.requests)


def test_a_303_is_a_redirect_like_the_others(resolver: AwsResolver, server: FaultyServer) -> None:
    with FaultyServer() as other:
        server.answer(303, {"Location": other.url + "/"})
        with pytest.raises(InvalidResponse, match=r"HTTP 303.*redirect"):
            fetch(resolver)

        assert (0, 2) == (other.connections, len(server.requests))


@pytest.mark.parametrize(
    ("status", "reason"), [(403, Reason.DENIED), (500, Reason.SERVER), (503, Reason.SERVER)]
)
def test_not_there_is_only_what_aws_says_with_its_own_status(
    resolver: AwsResolver, server: FaultyServer, status: int, reason: Reason
) -> None:
    server.answer(status, {}, refusal("ResourceNotFoundException"))

    with pytest.raises(ResolverError) as caught:
        fetch(resolver)
    assert reason is caught.value.reason


@pytest.mark.parametrize("status", [403, 500])
def test_so_is_a_secret_that_is_deleted(resolver: AwsResolver, server: FaultyServer, status: int) -> None:
    server.answer(status, {}, refusal("InvalidRequestException", "it was marked for deletion"))

    with pytest.raises(ResolverError):
        fetch(resolver)
