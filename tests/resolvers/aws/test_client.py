"""Settings, credentials and the life of a client: built late, once per process, anew when it is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, ConfigError, InvalidReference
from secretsource.resolvers._aws._client import CONNECT_TIMEOUT
from secretsource.resolvers._aws._quiet import own_call
from secretsource.resolvers._aws._wire import BoundedSession
from secretsource.resolvers.aws import AwsResolver
from tests.resolvers.aws.support import canary, fetch, found, login, read, refusal, resolver, server
from tests.servers.faulty import FaultyServer

__all__ = ["canary", "login", "resolver", "server"]

ROOT = Path(__file__).parents[3]
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)


@pytest.fixture
def process_credentials(no_credentials: None, tmp_path: Path) -> Path:
    """Let a command give out credentials, and count in a file how often it did: ``KEY1``, ``KEY2``, …"""
    count, script = tmp_path / "count", tmp_path / "credentials.py"
    script.write_text(
        textwrap.dedent(f"""
            import json
            with open({str(count)!r}, "a+") as file:
                file.write("x")
                file.seek(0)
                number = len(file.read())
            print(json.dumps({{"Version": 1, "AccessKeyId": f"KEY{{number}}", "SecretAccessKey": "x"}}))
        """)
    )
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        f"[default]\ncredential_process = {sys.executable} {script}\n"
    )
    return count


def keys(server: FaultyServer) -> list[str]:
    """Return the access keys that the requests were signed with."""
    return [
        request.headers["authorization"].split("Credential=")[1].split("/")[0] for request in server.requests
    ]


@pytest.mark.parametrize(
    "url",
    ["", "x", "localhost:4566", "ftp://localhost", "http://", "https://", "http://example.com", "http://10.0.0.1:80",
     "https://host:port", "https://host:99999", "https://user:word@host", "https://host?x=1", "http://localhost.example",
     "http://aws.localhost"],
)  # fmt: skip
def test_a_wrong_endpoint_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        AwsResolver(endpoint_url=url)

    assert "word" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    ["https://vpce.example.com", "https://10.0.0.1:8443", "http://localhost:4566", "http://127.0.0.2", "http://[::1]:80"],
)  # fmt: skip
def test_https_anywhere_and_http_on_loopback_are_fine(url: str) -> None:
    assert url in repr(AwsResolver(endpoint_url=url))


def test_http_to_another_host_is_refused_where_a_variable_says_so_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://example.com")

    with pytest.raises(ConfigError, match=r"http on 'example.com'"):
        fetch(AwsResolver())


@pytest.mark.parametrize("prefix", ["pro d/", "a\n", "é", "a?b"])
def test_a_prefix_that_no_secret_has_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigError, match="prefix"):
        AwsResolver(prefix=prefix)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_bytes": 0},
        {"max_bytes": "many"},
        {"max_bytes": True},
        {"region": ""},
        {"region": "eu central"},
        {"region": 1},
        {"profile": ""},
        {"profile": 1},
        {"endpoint_url": 1},
        {"prefix": None},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        AwsResolver(**settings)


def test_a_name_that_is_no_scheme_is_refused() -> None:
    with pytest.raises(InvalidReference):
        AwsResolver("a b")


def test_nothing_of_boto3_is_imported_before_the_first_read() -> None:
    code = """
        import sys
        from secretsource.resolvers.aws import AwsResolver
        AwsResolver(endpoint_url="https://example.com").locate("a/b")
        print([name for name in sys.modules if name.startswith(("boto", "urllib3", "ssl"))])
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "[]" == ran.stdout.strip()


def test_without_credentials_it_is_a_denial_at_once(server: FaultyServer, no_credentials: None) -> None:
    resolver = AwsResolver(endpoint_url=server.url)
    read_begun = time.monotonic()

    with pytest.raises(AccessDenied, match="boto3 found no credentials: set AWS_PROFILE"):
        fetch(resolver)

    assert time.monotonic() - read_begun < 1.0
    assert [] == server.requests


def test_credentials_that_come_later_are_found(
    server: FaultyServer, no_credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer(body=found("x"))
    resolver = AwsResolver(endpoint_url=server.url)
    with pytest.raises(AccessDenied):
        fetch(resolver)

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "LATE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")

    assert "x" == read(resolver).value
    assert ["LATE"] == keys(server)
    resolver.close()


def test_half_of_the_credentials_is_a_denial(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(AccessDenied, match="half of the credentials"):
        fetch(AwsResolver(endpoint_url=server.url))


def test_a_command_for_credentials_that_fails_is_a_denial(server: FaultyServer, no_credentials: None) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        f"[default]\ncredential_process = {sys.executable} -c exit(1)\n"
    )

    with pytest.raises(AccessDenied, match="could not get credentials from their source"):
        fetch(AwsResolver(endpoint_url=server.url))


def test_a_login_with_sso_that_is_missing_says_how_to_log_in(
    server: FaultyServer, no_credentials: None
) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        "[default]\nsso_start_url = https://example.invalid\nsso_region = eu-central-1\n"
        "sso_account_id = 123456789012\nsso_role_name = app\n"
    )

    with pytest.raises(AccessDenied, match="aws sso login"):
        fetch(AwsResolver(endpoint_url=server.url))


def test_without_a_region_it_is_a_matter_of_configuration(
    monkeypatch: pytest.MonkeyPatch, server: FaultyServer
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    server.answer(body=found("x"))
    resolver = AwsResolver(endpoint_url=server.url)
    with pytest.raises(
        ConfigError, match="the resolver 'aws' cannot ask AWS: no region is configured: set region"
    ):
        fetch(resolver)

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    assert "x" == read(resolver).value
    resolver.close()


def test_a_profile_that_does_not_exist_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError, match="the profile does not exist"):
        fetch(AwsResolver(profile="nope", region="eu-central-1"))


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_refused_credentials_are_loaded_once_more(
    server: FaultyServer, process_credentials: Path, code: str
) -> None:
    resolver = AwsResolver(endpoint_url=server.url)
    server.answer(400, {}, refusal(code), times=1)
    server.answer(body=found("x"))

    assert "x" == read(resolver).value
    assert ["KEY1", "KEY2"] == keys(server)
    assert "xx" == process_credentials.read_text()
    resolver.close()


def test_credentials_that_are_refused_again_are_a_denial(
    server: FaultyServer, process_credentials: Path
) -> None:
    resolver = AwsResolver(endpoint_url=server.url)
    server.answer(400, {}, refusal("ExpiredTokenException"))

    with pytest.raises(AccessDenied, match="the session token has expired"):
        fetch(resolver)

    assert ["KEY1", "KEY2"] == keys(server)
    resolver.close()


def test_many_readers_share_one_new_load(server: FaultyServer, process_credentials: Path) -> None:
    resolver = AwsResolver(endpoint_url=server.url)
    server.answer(body=found("x"), times=1)
    read(resolver)
    # All are in flight with the old credentials before the first is refused.
    server.answer(400, {}, refusal("ExpiredTokenException"), delay=0.5, times=8)
    server.answer(body=found("x"))

    with ThreadPoolExecutor(8) as pool:
        values = [document.value for document in pool.map(lambda _: read(resolver), range(8))]

    assert ["x"] * 8 == values
    assert ["KEY1"] * 9 + ["KEY2"] * 8 == keys(server)
    assert "xx" == process_credentials.read_text()
    resolver.close()


def test_many_threads_build_one_client(server: FaultyServer, process_credentials: Path) -> None:
    resolver = AwsResolver(endpoint_url=server.url)
    server.answer(body=found("x"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: read(resolver), range(64)))

    assert "x" == process_credentials.read_text()
    assert server.connections <= 16
    resolver.close()


def test_a_child_process_has_a_client_and_connections_of_its_own(server: FaultyServer) -> None:
    server.answer(body=found("x"))
    code = f"""
        import json, os
        from secretsource._deadline import Deadline
        from secretsource.resolvers.aws import AwsResolver

        resolver = AwsResolver(endpoint_url={server.url!r})
        def read():
            resolver.fetch(resolver.locate("a"), Deadline(5))
            return resolver._backend.regions.first.clients.get().get()
        mine = read()
        for _ in range(3):
            pid = os.fork()
            if pid == 0:
                theirs = read()
                os._exit(0 if theirs is not mine and theirs is read() else 1)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        print(read() is mine)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ["0", "0", "0", "True"] == ran.stdout.split()
    assert 4 == server.connections


def test_a_closed_resolver_can_be_used_again(resolver: AwsResolver, server: FaultyServer) -> None:
    server.answer(body=found("x"))
    resolver.close()
    read(resolver)
    resolver.close()
    resolver.close()

    assert "x" == read(resolver).value
    assert 2 == server.connections


def test_the_bounds_are_in_place_with_this_version_of_botocore(resolver: AwsResolver) -> None:
    client = resolver._backend.regions.first.clients.get().get()

    assert isinstance(client._endpoint.http_session, BoundedSession)


@pytest.mark.parametrize(("left", "expected"), [(1, 1.0), (60, CONNECT_TIMEOUT)])
def test_a_connection_gets_what_is_left_up_to_its_own_limit(
    resolver: AwsResolver, left: float, expected: float
) -> None:
    session: Any = resolver._backend.regions.first.clients.get().get()._endpoint.http_session

    with own_call(Deadline(left)):
        assert expected == pytest.approx(session._inner._timeout.connect_timeout, abs=0.1)
    assert CONNECT_TIMEOUT == session._inner._timeout.connect_timeout


def test_our_client_leaves_the_clients_of_the_application_alone(
    resolver: AwsResolver, server: FaultyServer
) -> None:
    import boto3

    server.answer(body=found("x"))
    read(resolver)
    client = boto3.session.Session().client("secretsmanager", endpoint_url=server.url)

    assert "x" == client.get_secret_value(SecretId="a")["SecretString"]
    config: Any = client.meta.config
    assert (60, 60) == (config.connect_timeout, config.read_timeout)
    assert "secretsource" not in server.requests[-1].headers["user-agent"]
    client.close()


def test_calls_for_credentials_are_bounded_too(
    server: FaultyServer, no_credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/app\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = x\n"
    )
    body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    server.answer(403, {}, body)

    with pytest.raises(AccessDenied, match="boto3 got no credentials from AssumeRole"):
        fetch(AwsResolver(endpoint_url=server.url))

    assert 1 == len(server.requests)
    assert json.dumps("secretsource")[1:-1] in server.requests[0].headers["user-agent"]
