"""The AWS Secrets Manager Agent and the Lambda extension in the place of the service, over loopback."""

from __future__ import annotations

import base64
import json
import logging
import secrets
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secretsource import Store
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
from secretsource.resolvers import SupportsFetchFresh, SupportsFetchMany, SupportsPut
from secretsource.resolvers.aws import AwsResolver
from tests.resolvers.aws.support import (
    VERSION,
    Canary,
    assert_none_of,
    canary,
    fetch,
    found,
    login,
    printed,
    read,
    server,
)
from tests.servers._process import free_port
from tests.servers.faulty import FaultyServer

__all__ = ["canary", "login", "server"]

ROOT = Path(__file__).parents[3]
TOKEN = "x-aws-parameters-secrets-token"


@pytest.fixture
def token(tmp_path: Path) -> Canary:
    """The token of the agent, in its file."""
    token = Canary()
    (tmp_path / "awssmatoken").write_text(token.text + "\n")
    return token


@pytest.fixture
def agent(server: FaultyServer, token: Canary, tmp_path: Path) -> Iterator[AwsResolver]:
    resolver = AwsResolver(
        transport="agent", endpoint_url=server.url, token_file=str(tmp_path / "awssmatoken"), max_bytes=1000
    )
    yield resolver
    resolver.close()


@pytest.fixture
def extension(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsResolver]:
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(server.port))
    resolver = AwsResolver(transport="lambda")
    yield resolver
    resolver.close()


def failed(resolver: AwsResolver, *, timeout: float = 3.0) -> ResolverError:
    with pytest.raises(ResolverError) as raised:
        fetch(resolver, timeout=timeout)
    assert (None, None) == (raised.value.__cause__, raised.value.__context__)
    return raised.value


def told(code: str, message: str = "no") -> str:
    """Return an error as the agent passes it on; it escapes nothing in the message."""
    return f'{{"__type":"{code}", "message":"{message}"}}'


def test_the_agent_answers_with_all_keys_of_one_version(
    agent: AwsResolver, server: FaultyServer, token: Canary, canary: Canary
) -> None:
    server.answer(body=found(json.dumps({"api_key": canary.text, "port": 5432})))

    document = read(agent)

    assert (canary.text, "5432", VERSION) == (
        document.fields["api_key"],
        document.fields["port"],
        document.version,
    )
    request = server.requests[0]
    assert ("GET", "/secretsmanager/get?secretId=pepipost") == (request.method, request.path)
    assert token.text == request.headers[TOKEN]


def test_version_and_stage_are_asked_for_and_odd_names_are_encoded(
    agent: AwsResolver, server: FaultyServer
) -> None:
    server.answer(body=found("x"))

    fetch(agent, f"aws://prod/a+b%26c?version={VERSION}&stage=AWSPREVIOUS")

    assert (
        f"/secretsmanager/get?secretId=prod%2Fa%2Bb%26c&versionId={VERSION}&versionStage=AWSPREVIOUS"
        == server.requests[0].path
    )


def test_a_binary_secret_comes_to_the_byte(agent: AwsResolver, server: FaultyServer) -> None:
    value = secrets.token_bytes(40) + b"\x00\xff"
    server.answer(body=json.dumps({"SecretBinary": base64.b64encode(value).decode(), "SecretString": None}))

    assert value == read(agent).value


@pytest.mark.parametrize(
    "body", ["<html>", "[]", "{}", '{"SecretBinary": "%"}', '{"SecretBinary": 5}', "[" * 100_000, "\xff"]
)
def test_a_200_without_a_value_is_a_broken_answer(
    agent: AwsResolver, server: FaultyServer, body: str
) -> None:
    server.answer(body=body.encode("latin-1"))

    assert isinstance(failed(agent), InvalidResponse)
    assert 2 == len(server.requests)


def test_a_value_beyond_the_limit_is_refused(agent: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=found("x" * 1001))

    assert "more than 1000 bytes" in str(failed(agent))


def test_what_aws_does_not_have_is_not_there(agent: AwsResolver, server: FaultyServer) -> None:
    server.answer(
        400, {}, told("ResourceNotFoundException", 'Secrets Manager can\'t find the "specified" secret.')
    )

    assert NotThere(Reason.MISSING) == fetch(agent)


def test_what_is_to_be_deleted_is_not_there(agent: AwsResolver, server: FaultyServer) -> None:
    server.answer(400, {}, told("InvalidRequestException", "because it was marked for deletion."))

    assert NotThere(Reason.DELETED, "scheduled for deletion") == fetch(agent)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, told("AccessDeniedException"), Reason.DENIED),
        (400, told("DecryptionFailure"), Reason.DENIED),
        (400, told("ExpiredTokenException"), Reason.DENIED),
        (400, told("ThrottlingException"), Reason.THROTTLED),
        (400, told("InvalidParameterException"), Reason.BROKEN),
        (400, "Forwarded", Reason.BROKEN),
        (403, "Bad Token", Reason.DENIED),
        (404, "Not found", Reason.BROKEN),
        (429, "Connection limit exceeded", Reason.THROTTLED),
        (500, '{"__type":"InternalFailure"}', Reason.SERVER),
        (502, told("ConnectionError"), Reason.SERVER),
        (503, "Serving not enabled.", Reason.SERVER),
        (504, told("TimeoutError"), Reason.SERVER),
        (307, "", Reason.BROKEN),
    ],
)
def test_what_the_agent_refuses_has_its_reason(
    agent: AwsResolver, server: FaultyServer, status: int, body: str, reason: Reason
) -> None:
    server.answer(status, {"Location": server.url}, body)

    error = failed(agent)

    assert reason is error.reason
    assert f"through the AWS Secrets Manager Agent: HTTP {status}" in error.detail


def test_a_refused_token_is_read_anew(
    agent: AwsResolver, server: FaultyServer, token: Canary, tmp_path: Path
) -> None:
    server.answer(body=found("x"), times=1)
    read(agent)
    newer = Canary()
    (tmp_path / "awssmatoken").write_text(newer.text)
    server.answer(403, {}, "Bad Token", times=1)
    server.answer(body=found("y"))

    assert "y" == read(agent).value
    assert [token.text, token.text, newer.text] == [each.headers[TOKEN] for each in server.requests]


def test_a_token_that_stays_refused_is_a_denial_after_one_request(
    agent: AwsResolver, server: FaultyServer
) -> None:
    server.answer(403, {}, "Bad Token")

    assert "it refuses the token" in str(failed(agent))
    assert 1 == len(server.requests)


def test_the_token_may_be_a_variable(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, canary: Canary
) -> None:
    server.answer(body=found("x"))
    monkeypatch.setenv("AWS_TOKEN", canary.text)
    resolver = AwsResolver(transport="agent", endpoint_url=server.url)

    read(resolver)

    assert canary.text == server.requests[0].headers[TOKEN]
    resolver.close()


def test_the_variable_may_name_a_file(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, token: Canary, tmp_path: Path
) -> None:
    server.answer(body=found("x"))
    monkeypatch.setenv("AWS_TOKEN", f"file://{tmp_path / 'awssmatoken'}")
    resolver = AwsResolver(transport="agent", endpoint_url=server.url)

    read(resolver)

    assert token.text == server.requests[0].headers[TOKEN]
    resolver.close()


def test_without_a_token_it_is_a_denial_that_says_what_to_do(server: FaultyServer, tmp_path: Path) -> None:
    resolver = AwsResolver(transport="agent", endpoint_url=server.url, token_file=str(tmp_path / "none"))

    error = failed(resolver)

    assert isinstance(error, AccessDenied)
    assert "start the agent, or check token_file" in error.detail
    assert [] == server.requests


@pytest.mark.parametrize("content", ["", "\n", "é", "a\r\nX-Other: b"])
def test_a_file_that_holds_no_token_is_a_denial(server: FaultyServer, tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    resolver = AwsResolver(transport="agent", endpoint_url=server.url, token_file=str(tmp_path / "token"))

    assert "holds no token of an agent" in str(failed(resolver))


@pytest.mark.parametrize("transport", ["agent", "lambda"])
@pytest.mark.parametrize("ending", ["é", "\r\nX-Other: b", "€"])
def test_a_variable_that_no_header_can_hold_is_a_denial_and_not_shown(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, canary: Canary, transport: Any, ending: str
) -> None:
    for name in ("AWS_TOKEN", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, canary.text + ending)
    resolver = AwsResolver(transport=transport, endpoint_url=server.url)

    error = failed(resolver)

    assert "holds no token of an agent" in str(error)
    assert_none_of([canary], printed(error))
    assert [] == server.requests


def test_an_agent_that_is_not_there_is_unavailable_and_named(token: Canary, tmp_path: Path) -> None:
    port = free_port()
    resolver = AwsResolver(
        transport="agent",
        endpoint_url=f"http://127.0.0.1:{port}",
        token_file=str(tmp_path / "awssmatoken"),
    )

    error = failed(resolver)

    assert (Reason.REFUSED, f"127.0.0.1:{port}") == (error.reason, error.detail)


def test_an_agent_that_hangs_is_left_at_the_deadline(agent: AwsResolver, server: FaultyServer) -> None:
    server.answer(body="", delay=30)
    begun = time.monotonic()

    assert isinstance(failed(agent, timeout=0.5), BackendUnavailable)
    assert time.monotonic() - begun < 1.0


def test_a_read_past_its_cache_says_refresh_now(agent: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=found("x"))
    assert isinstance(agent, SupportsFetchFresh)

    said = agent.fetch_fresh(agent.locate("pepipost"), Deadline(5))

    assert isinstance(said, Document)
    assert "/secretsmanager/get?secretId=pepipost&refreshNow=true" == server.requests[0].path


def test_its_token_is_not_sent_through_a_proxy(
    agent: AwsResolver, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer(body=found("x"))
    with FaultyServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        assert "x" == read(agent).value
        assert 0 == proxy.connections


def test_a_redirect_is_not_followed(agent: AwsResolver, server: FaultyServer) -> None:
    with FaultyServer() as other:
        server.answer(302, {"Location": other.url + "/"})
        failed(agent)

        assert 0 == other.connections


def test_check_asks_whether_it_is_well_and_sends_no_token(agent: AwsResolver, server: FaultyServer) -> None:
    server.answer(body="healthy", path="/ping")

    health = agent.check(Deadline(5))

    assert ("", f"the AWS Secrets Manager Agent at 127.0.0.1:{server.port}") == (
        health.identity,
        health.detail,
    )
    assert TOKEN not in server.requests[0].headers


def test_check_without_the_token_is_a_denial_as_each_read_would_be(
    server: FaultyServer, tmp_path: Path
) -> None:
    server.answer(body="healthy", path="/ping")
    resolver = AwsResolver(transport="agent", endpoint_url=server.url, token_file=str(tmp_path / "none"))

    with pytest.raises(AccessDenied) as checked:
        resolver.check(Deadline(5))
    with pytest.raises(AccessDenied) as read:
        resolver.fetch(resolver.locate("pepipost/api_key"), Deadline(5))

    assert read.value.detail == checked.value.detail
    resolver.close()


def test_check_of_an_agent_that_is_not_well_fails(agent: AwsResolver, server: FaultyServer) -> None:
    server.answer(503)

    with pytest.raises(BackendUnavailable):
        agent.check(Deadline(5))


def test_a_location_shows_where_the_agent_is(agent: AwsResolver, server: FaultyServer) -> None:
    assert f"pepipost#api_key through 127.0.0.1:{server.port}" == str(agent.locate("pepipost/api_key"))


def test_an_agent_only_reads_and_one_secret_at_a_time(agent: AwsResolver) -> None:
    assert not isinstance(agent, SupportsPut | SupportsFetchMany)


def test_no_botocore_is_imported(server: FaultyServer, token: Canary, tmp_path: Path) -> None:
    server.answer(400, {}, told("ResourceNotFoundException"), times=1)
    server.answer(400, {}, told("AccessDeniedException"), times=1)
    code = f"""
        import sys
        from secretsource._deadline import Deadline
        from secretsource.errors import AccessDenied
        from secretsource.resolvers.aws import AwsResolver
        resolver = AwsResolver(transport="agent", endpoint_url={server.url!r},
                               token_file={str(tmp_path / "awssmatoken")!r})
        print(resolver.fetch(resolver.locate("a"), Deadline(5)).reason.name)
        try:
            resolver.fetch(resolver.locate("a"), Deadline(5))
        except AccessDenied:
            print([name for name in sys.modules if name.startswith("boto")])
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ["MISSING", "[]"] == ran.stdout.split()


def test_the_extension_gets_the_token_of_the_session(
    extension: AwsResolver, server: FaultyServer, monkeypatch: pytest.MonkeyPatch, canary: Canary
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", canary.text)
    server.answer(body=found("x") + " ")

    assert "x" == read(extension).value
    assert canary.text == server.requests[0].headers[TOKEN]


def test_outside_of_a_function_the_extension_is_a_denial(
    extension: AwsResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SESSION_TOKEN")

    assert "AWS_SESSION_TOKEN is not set" in str(failed(extension))


def test_while_a_function_starts_the_extension_is_unavailable(
    extension: AwsResolver, server: FaultyServer
) -> None:
    server.answer(400, {}, "not ready to serve traffic, please wait")

    error = failed(extension)

    assert isinstance(error, BackendUnavailable)
    assert "read in its handler" in error.detail


def test_an_extension_that_becomes_ready_is_read(extension: AwsResolver, server: FaultyServer) -> None:
    server.answer(400, {}, "not ready to serve traffic, please wait", times=2)
    server.answer(body=found("x"))

    assert "x" == read(extension).value


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("operation error Secrets Manager: GetSecretValue, ResourceNotFoundException: Secrets Manager", None),
        ("GetSecretValue, AccessDeniedException: User is not authorized", Reason.DENIED),
        ("GetSecretValue, ThrottlingException: Rate exceeded", Reason.THROTTLED),
        ("ResourceNotFoundException or AccessDeniedException", Reason.BROKEN),
        ("something else", Reason.BROKEN),
    ],
)
def test_what_the_extension_says_in_words_is_told_by_the_code_in_them(
    extension: AwsResolver, server: FaultyServer, words: str, reason: Reason | None
) -> None:
    server.answer(400, {}, words)

    if reason is None:
        assert NotThere(Reason.MISSING) == fetch(extension)
    else:
        assert reason is failed(extension).reason


def test_a_name_that_looks_like_a_code_is_no_code(extension: AwsResolver, server: FaultyServer) -> None:
    server.answer(400, {}, "cannot read ResourceNotFoundException")

    with pytest.raises(InvalidResponse):
        fetch(extension, "ResourceNotFoundException")


def test_the_extension_cannot_be_told_to_read_anew(extension: AwsResolver) -> None:
    assert not isinstance(extension, SupportsFetchFresh)


def test_the_extension_has_no_ping_and_any_answer_shows_it(
    extension: AwsResolver, server: FaultyServer
) -> None:
    server.answer(404)

    assert "Lambda Extension at" in extension.check(Deadline(5)).detail


def test_a_store_asks_the_agent_past_its_cache_where_a_value_was_refused(
    agent: AwsResolver, server: FaultyServer
) -> None:
    server.answer(body=found("x"))
    with Store([agent]) as store:
        store.get("pepipost")
        store.get("pepipost", refresh=True)

    assert [False, True] == ["refreshNow=true" in each.path for each in server.requests]


@pytest.mark.parametrize(
    "answer",
    [(200, "<html>{}"), (400, told("AccessDeniedException", "{}")), (403, "{}"), (500, "{}")],
    ids=["broken", "denied", "token", "failing"],
)
def test_no_error_and_no_log_shows_a_value_or_the_token(
    agent: AwsResolver,
    server: FaultyServer,
    token: Canary,
    caplog: pytest.LogCaptureFixture,
    answer: tuple[int, str],
) -> None:
    canary = Canary()
    caplog.set_level(logging.DEBUG)
    server.answer(answer[0], {}, answer[1].replace("{}", canary.text))

    error = failed(agent)

    assert_none_of([token, canary], printed(error) + repr(agent) + repr(agent.__dict__) + caplog.text)


def test_a_good_read_leaves_nothing_in_the_logs(
    agent: AwsResolver,
    server: FaultyServer,
    token: Canary,
    canary: Canary,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer(body=found(canary.text))

    read(agent)

    assert_none_of([token, canary], caplog.text)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"transport": "other"}, "transport"),
        ({"transport": ""}, "transport"),
        ({"transport": "agent", "region": "eu-central-1"}, "region"),
        ({"transport": "agent", "profile": "x"}, "profile"),
        ({"transport": "agent", "batch": True}, "batch"),
        ({"transport": "lambda", "role_arn": "arn:aws:iam::123456789012:role/app"}, "role_arn"),
        ({"transport": "agent", "endpoint_url": "https://localhost:2773"}, "endpoint_url"),
        ({"transport": "agent", "endpoint_url": "http://example.com"}, "endpoint_url"),
        (
            {"transport": "agent", "endpoint_url": ["http://localhost:1"]},
            "endpoint_url .* must be one address",
        ),
        ({"transport": "agent", "token_file": ""}, "token_file"),
        ({"transport": "lambda", "token_file": "/x"}, "token_file"),
        ({"token_file": "/x"}, "token_file"),
        ({"transport": "agent", "max_bytes": 0}, "max_bytes"),
        ({"transport": "agent", "prefix": "a b"}, "prefix"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        AwsResolver(**settings)


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "²"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port)

    with pytest.raises(ConfigError, match="PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"):
        AwsResolver(transport="lambda")


def test_the_agent_is_where_aws_puts_it() -> None:
    assert "endpoint_url='http://127.0.0.1:2773'" in repr(AwsResolver(transport="agent"))


def test_the_answer_for_another_secret_is_broken(agent: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=json.dumps({"Name": "other", "SecretString": "x"}))

    with pytest.raises(InvalidResponse, match="another secret or version than the one that was asked for"):
        fetch(agent)


def test_a_token_that_everybody_may_write_is_not_used(
    agent: AwsResolver, server: FaultyServer, tmp_path: Path
) -> None:
    (tmp_path / "awssmatoken").chmod(0o666)

    error = failed(agent)

    assert (Reason.DENIED, []) == (error.reason, server.requests)
    assert "writable by everybody" in error.detail
