"""What a server or a network does wrong ends in the right error, in time."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from secretsource._secret import NotThere
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    DeadlineExceeded,
    InvalidResponse,
    Reason,
    ResolverError,
)
from secretsource.resolvers._aws._client import CONNECT_TIMEOUT
from secretsource.resolvers.aws import AwsResolver
from tests.resolvers.aws.support import Canary, canary, fetch, found, login, read, refusal, resolver, server
from tests.servers._process import free_port
from tests.servers.faulty import FaultyServer

__all__ = ["canary", "login", "resolver", "server"]


def failed(resolver: AwsResolver, name: str = "pepipost", *, timeout: float = 5.0) -> ResolverError:
    with pytest.raises(ResolverError) as raised:
        fetch(resolver, name, timeout=timeout)
    assert raised.value.__context__ is None
    return raised.value


def test_throttling_is_waited_out_as_long_as_the_server_asks(
    resolver: AwsResolver, server: FaultyServer
) -> None:
    server.answer(400, {"Retry-After": "1"}, refusal("ThrottlingException"), times=1)
    server.answer(body=found("x"))
    begun = time.monotonic()

    assert "x" == read(resolver).value
    assert 1.0 <= time.monotonic() - begun < 1.6
    assert 2 == len(server.requests)


def test_a_wait_that_does_not_fit_ends_at_once_and_is_told(
    resolver: AwsResolver, server: FaultyServer
) -> None:
    server.answer(400, {"Retry-After": "3600"}, refusal("ThrottlingException"))
    resolver._backend.regions.first.clients.get().get()  # to build it takes long on a busy machine
    begun = time.monotonic()

    error = failed(resolver)

    assert (Reason.THROTTLED, 3600.0, 1) == (error.reason, error.retry_after, len(server.requests))
    assert isinstance(error, BackendUnavailable)
    assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_server_is_asked_three_times(
    resolver: AwsResolver, server: FaultyServer, status: int
) -> None:
    server.answer(status, {}, "<html>oops</html>")

    error = failed(resolver)

    assert (Reason.SERVER, 3) == (error.reason, len(server.requests))
    assert f"HTTP {status}" in str(error)
    assert "oops" not in str(error)


def test_a_server_that_recovers_is_read(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(500, {}, refusal("InternalServiceError"), times=2)
    server.answer(body=found("x"))

    assert "x" == read(resolver).value


@pytest.mark.parametrize(
    "body",
    ["<html>login</html>", "{}", "", "[]", '"text"', "null", '{"SecretString": 5}', '{"SecretBinary": "%"}', "\xff",
     '{"SecretString": "x", "CreatedDate": "yesterday"}', "[" * 100_000],
)  # fmt: skip
def test_a_200_without_a_value_is_a_broken_answer(
    resolver: AwsResolver, server: FaultyServer, body: str
) -> None:
    server.answer(body=body.encode("latin-1"))

    error = failed(resolver)

    assert isinstance(error, InvalidResponse)
    assert (Reason.BROKEN, 2) == (error.reason, len(server.requests))


@pytest.mark.parametrize("headers", [{}, {"Content-Length": None}, {"Transfer-Encoding": "chunked"}])
def test_a_cut_answer_is_a_broken_answer(
    resolver: AwsResolver, server: FaultyServer, headers: dict[str, str | None], canary: Canary
) -> None:
    server.answer(headers=headers, body=found(canary.text), truncate_to=80)

    error = failed(resolver)

    assert isinstance(error, InvalidResponse)
    assert canary.text not in str(error)


def test_a_broken_answer_is_asked_for_once_more(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(body="{}", times=1)
    server.answer(body=found("x"))

    assert "x" == read(resolver).value


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(resolver: AwsResolver, server: FaultyServer, status: int) -> None:
    with FaultyServer() as other:
        server.answer(status, {"Location": other.url + "/"})
        error = failed(resolver)
        assert [] == other.requests

    assert Reason.BROKEN == error.reason
    assert "redirect" in str(error)


def test_a_404_that_is_not_from_aws_is_not_taken_for_not_there(
    resolver: AwsResolver, server: FaultyServer
) -> None:
    server.answer(404, {}, "<html>no such page</html>")

    assert isinstance(failed(resolver), InvalidResponse)


def test_a_secret_that_aws_does_not_find_is_not_there(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(400, {}, refusal("ResourceNotFoundException"))

    assert NotThere() == fetch(resolver)
    assert 1 == len(server.requests)


def test_a_denial_is_not_repeated_and_says_what_to_allow(resolver: AwsResolver, server: FaultyServer) -> None:
    headers = {"x-amzn-RequestId": "0f1e-2d"}
    server.answer(
        400, headers, refusal("AccessDeniedException", "User: arn:aws:iam::123:user/app is not authorized")
    )

    error = failed(resolver, "pepipost/api_key")

    assert isinstance(error, AccessDenied)
    assert 1 == len(server.requests)
    assert "allow secretsmanager:GetSecretValue on the secret 'pepipost'" in str(error)
    assert "request id 0f1e-2d" in str(error)
    assert "arn:" not in str(error)


def test_a_value_beyond_the_limit_is_refused(server: FaultyServer, canary: Canary) -> None:
    server.answer(body=found(canary.text))
    resolver = AwsResolver(endpoint_url=server.url, max_bytes=20)

    error = failed(resolver)

    assert isinstance(error, InvalidResponse)
    assert "more than 20 bytes" in str(error)
    assert canary.text not in str(error)
    resolver.close()


def test_a_value_at_the_limit_is_read(server: FaultyServer) -> None:
    value = "x" * 1_048_576
    server.answer(body=found(value))
    resolver = AwsResolver(endpoint_url=server.url)

    assert value == read(resolver).value
    resolver.close()


def test_a_huge_body_is_not_read_to_its_end(resolver: AwsResolver, server: FaultyServer) -> None:
    # It drips on after 3 MiB, so whoever wants all of it waits until the deadline.
    server.answer(headers={"Content-Length": str(100 * 1024 * 1024)}, body=b"x" * 3 * 1024 * 1024)
    begun = time.monotonic()

    error = failed(resolver)

    assert isinstance(error, InvalidResponse)
    assert "more than" in str(error)
    assert time.monotonic() - begun < 2.0


def test_a_refused_port_is_named(login: object) -> None:
    port = free_port()
    resolver = AwsResolver(endpoint_url=f"http://127.0.0.1:{port}")

    error = failed(resolver)

    assert (BackendUnavailable, Reason.REFUSED) == (type(error), error.reason)
    assert f"127.0.0.1:{port}" in str(error)


def test_a_host_that_does_not_exist_is_told_as_such() -> None:
    error = failed(AwsResolver(endpoint_url="https://nonexistent.invalid"))

    assert (BackendUnavailable, Reason.DNS) == (type(error), error.reason)
    assert "nonexistent.invalid:443" in str(error)


def test_a_connection_closed_without_an_answer_is_an_outage(
    resolver: AwsResolver, server: FaultyServer
) -> None:
    server.answer(close=True)

    error = failed(resolver)

    assert (BackendUnavailable, Reason.REFUSED, 3) == (type(error), error.reason, len(server.requests))


def test_a_server_that_restarted_is_read_over_a_new_connection(
    resolver: AwsResolver, server: FaultyServer
) -> None:
    server.answer(body=found("x"))
    read(resolver)
    server.drop_connections()

    assert "x" == read(resolver).value


def test_reads_share_a_connection(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=found("x"))
    for _ in range(5):
        read(resolver)

    assert (5, 1) == (len(server.requests), server.connections)


def test_a_hang_ends_at_the_deadline(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=found("x"), delay=30)
    begun = time.monotonic()

    error = failed(resolver, timeout=1.0)

    assert isinstance(error, DeadlineExceeded)
    assert Reason.TIMEOUT == error.reason
    assert 0.9 <= time.monotonic() - begun < 1.5


def test_a_host_that_does_not_accept_is_given_up_at_the_deadline(login: object) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        # These fill the queue, so that the next connection waits.
        queued = [socket.socket() for _ in range(3)]
        for one in queued:
            one.setblocking(False)
            one.connect_ex(address)
        resolver = AwsResolver(endpoint_url=f"http://127.0.0.1:{address[1]}")
        resolver._backend.regions.first.clients.get().get()  # to build it takes long on a busy machine
        begun = time.monotonic()
        error = failed(resolver, timeout=1.0)
        took = time.monotonic() - begun
        for one in queued:
            one.close()

    assert (DeadlineExceeded, Reason.TIMEOUT) == (type(error), error.reason)
    assert 0.9 <= took < CONNECT_TIMEOUT - 1.0


def test_a_drip_ends_at_the_deadline(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=found("x"), drip=0.2)
    begun = time.monotonic()

    error = failed(resolver, timeout=1.0)

    assert isinstance(error, DeadlineExceeded)
    assert time.monotonic() - begun < 1.5


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    return authority


def context(authority: trustme.CA, host: str = "127.0.0.1", *, expired: bool = False) -> ssl.SSLContext:
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, not_after=past if expired else None).configure_cert(context)
    return context


def test_a_private_authority_is_trusted_where_boto3_is_told_so(authority: trustme.CA) -> None:
    with FaultyServer(context(authority)) as server:
        server.answer(body=found("x"))
        resolver = AwsResolver(endpoint_url=server.url)
        assert "x" == read(resolver).value
        resolver.close()


@pytest.fixture(params=["untrusted", "expired", "wrong host"])
def badly_certified(request: pytest.FixtureRequest, authority: trustme.CA) -> Iterator[FaultyServer]:
    contexts = {
        "untrusted": lambda: context(trustme.CA()),
        "expired": lambda: context(authority, expired=True),
        "wrong host": lambda: context(authority, "example.com"),
    }
    with FaultyServer(contexts[request.param]()) as server:
        server.answer(body=found("x"))
        yield server


def test_a_wrong_certificate_ends_at_once(badly_certified: FaultyServer) -> None:
    error = failed(AwsResolver(endpoint_url=badly_certified.url))

    assert (BackendUnavailable, Reason.TLS) == (type(error), error.reason)
    assert (1, []) == (badly_certified.connections, badly_certified.requests)


def test_tls_to_a_plain_port_is_a_tls_failure(server: FaultyServer) -> None:
    error = failed(AwsResolver(endpoint_url=server.url.replace("http:", "https:")))

    assert (Reason.TLS, 1) == (error.reason, server.connections)
    assert error.detail.endswith("the server does not speak TLS on this port")


def test_a_missing_file_of_authorities_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with FaultyServer(context(trustme.CA())) as server:
        resolver = AwsResolver(endpoint_url=server.url)
        with pytest.raises(ConfigError, match="AWS_CA_BUNDLE"):
            fetch(resolver)


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "")
    error = failed(AwsResolver(region="eu-central-1"))

    assert Reason.REFUSED == error.reason
    assert f"proxy 127.0.0.1:{port}" in str(error)


def test_the_request_asks_for_one_secret_and_names_us(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=found("x"))
    read(resolver, "aws://prod/email?stage=AWSPREVIOUS#pepipost")

    (request,) = server.requests
    assert {"SecretId": "prod/email", "VersionStage": "AWSPREVIOUS"} == json.loads(request.body)
    assert "secretsmanager.GetSecretValue" == request.headers["x-amz-target"]
    assert "secretsource" in request.headers["user-agent"]
