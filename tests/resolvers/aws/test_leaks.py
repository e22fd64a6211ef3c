"""Neither values nor credentials show up: not in logs, errors, tracebacks, reprs or pickles."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import threading
import time
from collections.abc import Callable, Iterator

import boto3
import pytest

from secretsource._deadline import Deadline
from secretsource.errors import ResolverError
from secretsource.resolvers.aws import AwsResolver
from tests.resolvers.aws.sts import Taken, assumed
from tests.resolvers.aws.support import (
    VERSION,
    Canary,
    Login,
    assert_none_of,
    canary,
    fetch,
    found,
    login,
    printed,
    read,
    refusal,
    resolver,
    server,
)
from tests.servers._process import free_port
from tests.servers.faulty import FaultyServer

__all__ = ["canary", "login", "resolver", "server"]


def bare_read(server: FaultyServer) -> None:
    client = boto3.session.Session().client("secretsmanager", endpoint_url=server.url)
    client.get_secret_value(SecretId="pepipost")
    client.close()


def test_a_read_of_ours_leaves_nothing_in_the_logs_of_botocore(
    resolver: AwsResolver,
    server: FaultyServer,
    canary: Canary,
    login: Login,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer(body=found(canary.text))
    read(resolver)
    read(resolver)

    assert [] == [record.name for record in caplog.records if record.name.startswith(("botocore", "boto3"))]
    assert_none_of([canary, login.secret_key, login.session_token], caplog.text)


def test_a_failing_read_of_ours_leaves_nothing_either(
    resolver: AwsResolver,
    server: FaultyServer,
    canary: Canary,
    login: Login,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer(500, {}, canary.text)
    with pytest.raises(ResolverError):
        fetch(resolver)

    assert [] == [record.name for record in caplog.records if record.name.startswith(("botocore", "boto3"))]
    assert_none_of([canary, login.secret_key, login.session_token], caplog.text)


def test_a_read_of_the_application_is_logged_as_before(
    resolver: AwsResolver, server: FaultyServer, canary: Canary, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer(body=found(canary.text))
    read(resolver)
    caplog.set_level(logging.DEBUG)

    bare_read(server)

    assert {"botocore.parsers", "botocore.endpoint", "botocore.auth"} <= {
        record.name for record in caplog.records
    }
    assert canary.text in caplog.text


def test_a_read_of_the_application_is_logged_while_one_of_ours_runs(
    resolver: AwsResolver, server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer(body=found("x"), times=1)
    read(resolver)
    caplog.set_level(logging.DEBUG)
    server.answer(body=found("ours"), delay=1.0, times=1)
    server.answer(body=found("theirs"))
    ours = threading.Thread(target=read, args=(resolver,))
    ours.start()
    while len(server.requests) < 2:
        time.sleep(0.01)

    bare_read(server)
    ours.join()

    bodies = [record.getMessage() for record in caplog.records if record.name == "botocore.parsers"]
    assert [True, False] == [any(word in body for body in bodies) for word in ("theirs", "ours")]


def test_the_logging_of_botocore_is_otherwise_left_alone(resolver: AwsResolver, server: FaultyServer) -> None:
    def state() -> list[tuple[str, int, int, bool, bool]]:
        loggers = [
            logging.getLogger(name)
            for name in logging.root.manager.loggerDict
            if name.startswith(("boto", "urllib3"))
        ]
        return [
            (one.name, one.level, len(one.handlers), one.propagate, one.disabled)
            for one in [logging.root, *loggers]
        ]

    server.answer(body=found("x"))
    bare_read(server)
    before = state()
    read(resolver)
    read(AwsResolver(endpoint_url=server.url))

    assert set(before) <= set(state())
    assert [1] == list(
        {len(logging.getLogger(f"botocore.{name}").filters) for name in ("parsers", "auth", "endpoint")}
    )


def test_each_logger_of_botocore_has_the_filter(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=found("x"))
    read(resolver)

    loggers = {
        name: logger
        for name, logger in logging.root.manager.loggerDict.items()
        if name.startswith("botocore") and isinstance(logger, logging.Logger) and "vendored" not in name
    }
    assert 34 <= len(loggers)
    assert [] == [name for name, logger in loggers.items() if not logger.filters]


FAULTS: dict[str, Callable[[FaultyServer, Canary], None]] = {
    "denied": lambda server, canary: server.answer(400, {}, refusal("AccessDeniedException", canary.text)),
    "expired": lambda server, canary: server.answer(400, {}, refusal("ExpiredTokenException", canary.text)),
    "unknown code": lambda server, canary: server.answer(400, {}, refusal(canary.text, canary.text)),
    "request id": lambda server, canary: server.answer(400, {"x-amzn-RequestId": f"{canary.text} x"}, "{}"),
    "throttled": lambda server, canary: server.answer(429, {"Retry-After": "3600"}, canary.text),
    "failing": lambda server, canary: server.answer(503, {}, canary.text),
    "html": lambda server, canary: server.answer(200, {}, f"<html>{canary.text}"),
    "cut": lambda server, canary: server.answer(body=found(canary.text), truncate_to=90),
    "cut chunk": lambda server, canary: server.answer(
        headers={"Transfer-Encoding": "chunked"}, body=found(canary.text), truncate_to=90
    ),
    "dripping": lambda server, canary: server.answer(body=found(canary.text), drip=0.01),
    "bad date": lambda server, canary: server.answer(body=found(canary.text).replace("1700000000.0", '"x"')),
    "too large": lambda server, canary: server.answer(body=found(canary.text * 30)),
    "redirect": lambda server, canary: server.answer(307, {"Location": f"http://{canary.text}/"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_error_shows_a_value_or_a_credential(
    fault: str, server: FaultyServer, canary: Canary, login: Login
) -> None:
    FAULTS[fault](server, canary)
    resolver = AwsResolver(endpoint_url=server.url, max_bytes=1000)

    with pytest.raises(ResolverError) as raised:
        fetch(resolver, timeout=0.9)
    resolver.close()

    for error in (raised.value, raised.value.copy(resolver="aws", name="pepipost")):
        assert_none_of([canary, login.secret_key, login.session_token], printed(error))
        assert (None, None) == (error.__cause__, error.__context__)


def test_an_error_of_the_network_shows_no_credential(login: Login) -> None:
    resolver = AwsResolver(endpoint_url=f"http://127.0.0.1:{free_port()}")

    with pytest.raises(ResolverError) as raised:
        fetch(resolver)

    assert_none_of([login.secret_key, login.session_token], printed(raised.value))


def test_the_repr_shows_settings_and_no_credential(
    resolver: AwsResolver, server: FaultyServer, login: Login
) -> None:
    server.answer(body=found("x"))
    read(resolver)

    assert (
        f"AwsResolver(name='aws', region=None, profile=None, endpoint_url='{server.url}', prefix='')"
        == repr(resolver)
    )
    assert_none_of(
        [login.secret_key],
        repr(resolver.__dict__) + repr(resolver._backend.regions.first.clients.get().__dict__),
    )


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_resolver_is_not_pickled(duplicate: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="holds credentials"):
        duplicate(AwsResolver())


class Roles:
    """A server of STS that lends one role, and what must not be seen of it."""

    def __init__(self, sts: FaultyServer) -> None:
        self.server = sts
        self.taken = Taken("ROLE")
        self.external_id = Canary()
        sts.answer(body=assumed(self.taken))

    def __repr__(self) -> str:
        return "Roles()"

    @property
    def canaries(self) -> list[Canary]:
        return [self.taken.secret_key, self.taken.session_token, self.external_id]


@pytest.fixture
def roles(monkeypatch: pytest.MonkeyPatch) -> Iterator[Roles]:
    with FaultyServer() as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        yield Roles(sts)


def with_role(server: FaultyServer, roles: Roles, **more: bool) -> AwsResolver:
    return AwsResolver(
        endpoint_url=server.url,
        role_arn="arn:aws:iam::123456789012:role/app",
        external_id=roles.external_id.text,
        batch=more.get("batch", False),
    )


def test_taking_a_role_leaves_nothing_in_the_logs(
    server: FaultyServer, roles: Roles, login: Login, canary: Canary, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer(body=found(canary.text))
    resolver = with_role(server, roles)

    read(resolver)
    resolver.close()

    assert [] == [record.name for record in caplog.records if record.name.startswith(("botocore", "boto3"))]
    assert_none_of([canary, login.secret_key, login.session_token, *roles.canaries], caplog.text)


def test_a_batch_and_a_check_leave_nothing_in_the_logs(
    server: FaultyServer, roles: Roles, login: Login, canary: Canary, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    one = {"Name": "a", "SecretString": canary.text, "VersionId": VERSION}
    server.answer(body=json.dumps({"SecretValues": [one, one | {"Name": "b"}], "Errors": []}))
    resolver = with_role(server, roles, batch=True)

    resolver.fetch_many([resolver.locate("a"), resolver.locate("b")], Deadline(5))
    with pytest.raises(ResolverError):
        resolver.check(Deadline(5))
    resolver.close()

    assert [] == [record.name for record in caplog.records if record.name.startswith(("botocore", "boto3"))]
    assert_none_of([canary, login.secret_key, login.session_token, *roles.canaries], caplog.text)


def test_a_failed_renewal_leaves_nothing_in_the_logs(
    server: FaultyServer, roles: Roles, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("secretsource._clock.now", lambda: now[0])
    server.answer(body=found("x"))
    resolver = with_role(server, roles)
    read(resolver)
    caplog.set_level(logging.DEBUG)
    roles.server.answer(503, {}, roles.external_id.text)
    now[0] += 3000

    read(resolver)
    resolver.close()

    assert [] == [record.name for record in caplog.records if record.name.startswith(("botocore", "boto3"))]
    assert_none_of(roles.canaries, caplog.text)


def test_a_read_of_the_application_is_logged_while_ours_takes_a_role(
    server: FaultyServer, roles: Roles, login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer(body=found("x"))
    read(warm := AwsResolver(endpoint_url=server.url))
    caplog.set_level(logging.DEBUG)
    roles.server.answer(body=assumed(roles.taken), delay=1.0)
    resolver = with_role(server, roles)
    ours = threading.Thread(target=read, args=(resolver,))
    ours.start()
    while not roles.server.requests:
        time.sleep(0.01)

    bare_read(server)
    logged = {record.name for record in caplog.records}
    ours.join()

    assert {"botocore.parsers", "botocore.endpoint", "botocore.auth"} <= logged
    assert_none_of(roles.canaries, caplog.text)
    for each in (warm, resolver):
        each.close()
