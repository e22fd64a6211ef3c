"""Where boto3 finds credentials, through botocore alone: web identity, SSO, and what is said when they have expired."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.credentials
import botocore.tokens
import pytest

from secretsource.errors import AccessDenied, BackendUnavailable, DeadlineExceeded, InvalidResponse
from secretsource.resolvers.aws import AwsResolver
from tests.resolvers.aws.sts import Taken, assumed, key_of, refused, said_to_sts
from tests.resolvers.aws.support import (
    Canary,
    Login,
    assert_none_of,
    canary,
    fetch,
    found,
    login,
    moto,
    printed,
    read,
    server,
)
from tests.servers.faulty import FaultyServer
from tests.servers.moto import Moto

__all__ = ["canary", "login", "moto", "server"]

ROOT = Path(__file__).parents[3]
WEB = "arn:aws:iam::123456789012:role/pod"
APP = "arn:aws:iam::222222222222:role/app"
START_URL = "https://sso.invalid/start"
WEB_CALL = "AssumeRoleWithWebIdentity"


@pytest.fixture(autouse=True)
def _no_keys(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)


@pytest.fixture
def resolver(server: FaultyServer) -> Iterator[AwsResolver]:
    server.answer(body=found("x"))
    resolver = AwsResolver(endpoint_url=server.url)
    yield resolver
    resolver.close()


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    with FaultyServer() as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        yield sts


@pytest.fixture
def web_token(canary: Canary, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Canary:
    """The token of a pod, in the file that the variable names."""
    file = tmp_path / "token"
    file.write_text(canary.text)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    monkeypatch.setenv("AWS_ROLE_ARN", WEB)
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "pod-7")
    return canary


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """The portal of SSO, which lends the credentials of a role to who is logged in."""
    role = {"accessKeyId": "SSO", "secretAccessKey": "x", "sessionToken": "x", "expiration": 4102444800000}
    with FaultyServer() as portal:
        portal.answer(body=json.dumps({"roleCredentials": role}), path="/federation/credentials")
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", portal.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO_OIDC", portal.url)
        yield portal


class SsoLogin:
    """What ``aws sso login`` leaves behind for the profile ``shop``."""

    def __init__(self, folder: Path) -> None:
        self.token = Canary()
        self._file = folder / f"{hashlib.sha1(b'corp').hexdigest()}.json"
        Path(os.environ["AWS_CONFIG_FILE"]).write_text(
            "[profile shop]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = app\n"
            f"[sso-session corp]\nsso_start_url = {START_URL}\nsso_region = eu-central-1\n"
        )

    def __repr__(self) -> str:
        return "SsoLogin()"

    def lasts(self, **time_left: float) -> None:
        ends_at = (datetime.now(UTC) + timedelta(**time_left)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._file.write_text(
            json.dumps({"startUrl": START_URL, "accessToken": self.token.text, "expiresAt": ends_at})
        )


@pytest.fixture
def sso(portal: FaultyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SsoLogin:
    for kind in (botocore.credentials.SSOProvider, botocore.tokens.SSOTokenProvider):
        monkeypatch.setattr(kind, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    return SsoLogin(tmp_path)


def test_a_pod_takes_the_role_of_its_web_identity(
    web_token: Canary, sts: FaultyServer, resolver: AwsResolver, server: FaultyServer
) -> None:
    sts.answer(body=assumed(Taken("POD"), call=WEB_CALL))

    assert "x" == read(resolver).value
    said = said_to_sts(sts)[0]
    assert (WEB_CALL, WEB, "pod-7") == (said["Action"], said["RoleArn"], said["RoleSessionName"])
    assert web_token.text == said["WebIdentityToken"]
    assert "POD" == key_of(server.requests[0])


def test_moto_takes_a_web_identity_too(
    web_token: Canary, moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)
    admin = moto.client()
    admin.create_secret(Name="of-a-pod", SecretString=web_token.text)
    admin.close()
    resolver = AwsResolver(endpoint_url=moto.url)

    assert web_token.text == read(resolver, "of-a-pod").value
    resolver.close()


def test_a_pod_takes_another_role_with_its_own(
    web_token: Canary, sts: FaultyServer, server: FaultyServer
) -> None:
    server.answer(body=found("x"))
    sts.answer(body=assumed(Taken("POD"), call=WEB_CALL), times=1)
    sts.answer(body=assumed(Taken("APP")), times=1)
    resolver = AwsResolver(endpoint_url=server.url, role_arn=APP)

    assert "x" == read(resolver).value
    assert ("POD", "APP") == (key_of(sts.requests[1]), key_of(server.requests[0]))
    resolver.close()


def test_a_web_identity_that_is_refused_is_a_denial_and_stays_secret(
    web_token: Canary, sts: FaultyServer, resolver: AwsResolver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sts.answer(400, {}, refused("InvalidIdentityToken", f"no such token {web_token.text}"))

    with pytest.raises(AccessDenied, match=f"boto3 got no credentials from {WEB_CALL}") as raised:
        fetch(resolver)

    assert_none_of([web_token], printed(raised.value) + caplog.text)


def test_a_call_for_credentials_that_hangs_takes_half_of_the_time(
    web_token: Canary, sts: FaultyServer, resolver: AwsResolver
) -> None:
    sts.answer(body="", delay=30, times=1)
    sts.answer(body=assumed(Taken("POD"), call=WEB_CALL))
    begun = time.monotonic()

    assert "x" == read(resolver, timeout=3.0).value
    assert time.monotonic() - begun < 2.5


def test_a_login_of_sso_reads(sso: SsoLogin, portal: FaultyServer, server: FaultyServer) -> None:
    sso.lasts(hours=8)
    server.answer(body=found("x"))
    resolver = AwsResolver(endpoint_url=server.url, profile="shop")

    assert "x" == read(resolver).value
    assert sso.token.text == portal.requests[0].headers["x-amz-sso_bearer_token"]
    assert "SSO" == key_of(server.requests[0])
    resolver.close()


@pytest.mark.parametrize("roles", [{}, {"role_arn": APP}], ids=["alone", "with a role"])
def test_an_expired_login_of_sso_says_how_to_log_in(
    sso: SsoLogin, sts: FaultyServer, server: FaultyServer, roles: dict[str, str]
) -> None:
    sso.lasts(hours=-1)
    resolver = AwsResolver(endpoint_url=server.url, profile="shop", role_arn=roles.get("role_arn"))

    with pytest.raises(AccessDenied, match="run 'aws sso login --profile shop'") as raised:
        fetch(resolver)

    assert_none_of([sso.token], printed(raised.value))


def test_a_profile_of_a_variable_is_named_too(
    sso: SsoLogin, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "shop")

    with pytest.raises(AccessDenied, match="run 'aws sso login --profile shop'"):
        fetch(AwsResolver(endpoint_url=server.url))


def test_a_login_that_the_portal_refuses_says_how_to_log_in(
    sso: SsoLogin, portal: FaultyServer, server: FaultyServer
) -> None:
    sso.lasts(hours=8)
    portal.answer(
        401,
        {"x-amzn-ErrorType": "UnauthorizedException"},
        json.dumps({"message": "Session token not found or invalid"}),
        path="/federation/credentials",
    )

    with pytest.raises(AccessDenied, match="run 'aws sso login --profile shop'"):
        fetch(AwsResolver(endpoint_url=server.url, profile="shop"))


def test_a_portal_that_is_down_is_no_denial(
    sso: SsoLogin, portal: FaultyServer, server: FaultyServer
) -> None:
    sso.lasts(hours=8)
    portal.answer(503, path="/federation/credentials")

    with pytest.raises(BackendUnavailable):
        fetch(AwsResolver(endpoint_url=server.url, profile="shop"))


def test_a_login_after_the_refusal_is_found_by_the_next_read(
    sso: SsoLogin, portal: FaultyServer, server: FaultyServer
) -> None:
    sso.lasts(hours=-1)
    server.answer(body=found("x"))
    resolver = AwsResolver(endpoint_url=server.url, profile="shop")
    with pytest.raises(AccessDenied):
        fetch(resolver)

    sso.lasts(hours=8)

    assert "x" == read(resolver).value
    resolver.close()


def test_boto3_is_imported_for_none_of_them(
    web_token: Canary, sts: FaultyServer, server: FaultyServer
) -> None:
    server.answer(body=found("x"))
    code = f"""
        import sys
        from secretsource._deadline import Deadline
        from secretsource.resolvers.aws import AwsResolver
        resolver = AwsResolver(endpoint_url={server.url!r}, role_arn=[{APP!r}])
        try:
            resolver.fetch(resolver.locate("a"), Deadline(5))
        finally:
            print([name for name in sys.modules if name.startswith("boto3")])
    """
    sts.answer(body=assumed(Taken("POD"), call=WEB_CALL), times=1)
    sts.answer(body=assumed(Taken("APP")), times=1)
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ("[]", "APP") == (ran.stdout.strip(), key_of(server.requests[0]))


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """The service of a container that hands out credentials."""
    with FaultyServer() as container:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url)
        yield container


@pytest.mark.parametrize("answer", [{"delay": 30}, {"body": "x" * 600, "drip": 0.1}])
def test_a_source_of_credentials_that_hangs_ends_with_the_deadline(
    container: FaultyServer, resolver: AwsResolver, answer: dict[str, Any]
) -> None:
    container.answer(**answer)
    begun = time.monotonic()

    with pytest.raises(DeadlineExceeded, match="the service that hands out credentials does not answer"):
        fetch(resolver, timeout=0.5)
    assert time.monotonic() - begun < 1.0


def test_a_source_of_credentials_that_says_too_much_is_not_read_on(
    container: FaultyServer, resolver: AwsResolver
) -> None:
    container.answer(body="x" * 10_000_000)

    with pytest.raises(
        InvalidResponse, match="the service that hands out credentials: more than 65536 bytes"
    ):
        fetch(resolver)


def test_a_source_of_credentials_is_asked_again(
    container: FaultyServer, resolver: AwsResolver, server: FaultyServer
) -> None:
    keys = {"AccessKeyId": "TASK", "SecretAccessKey": "x", "Token": "x", "Expiration": "2099-01-01T00:00:00Z"}
    container.answer(500, times=1)
    container.answer(body=json.dumps(keys))

    assert "x" == read(resolver).value
    assert "TASK" == key_of(server.requests[0])


def test_the_service_of_an_instance_is_not_asked_for_the_usual_timeouts(
    login: Login, monkeypatch: pytest.MonkeyPatch, resolver: AwsResolver
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULTS_MODE", "auto")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    with FaultyServer() as instance:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.url)

        assert "x" == read(resolver).value
        assert 0 == instance.connections


def test_a_web_identity_whose_token_is_missing_is_a_denial_that_names_the_variable(
    resolver: AwsResolver, web_token: Canary, sts: FaultyServer, tmp_path: Path
) -> None:
    (tmp_path / "token").unlink()

    with pytest.raises(AccessDenied, match="check AWS_WEB_IDENTITY_TOKEN_FILE"):
        read(resolver, "app/key")

    assert [] == sts.requests
