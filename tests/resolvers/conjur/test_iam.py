"""Logins with an identity at AWS: signed by botocore as conjur_api has it signed, and sent to Conjur alone."""

from __future__ import annotations

import datetime
import io
import json
import logging
import secrets
from pathlib import Path
from typing import Any

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import AccessDenied, ConfigError, MissingDependency
from secretsource.resolvers import _installed
from secretsource.resolvers.conjur._auth import auth_of
from tests.resolvers.conjur.support import read, resolver_for, value
from tests.resolvers.conjur.test_leaks import everything_about, raised
from tests.servers.conjur import ConjurServer

NAME = "pepipost/api_key"
HOST = "host/app/web"
AUTH = {"method": "iam", "service_id": "prod", "login": HOST}
NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)


class Keys:
    """Credentials of AWS, made at run time."""

    def __init__(self) -> None:
        self.access = MaskedStr("AKIA" + secrets.token_hex(8).upper())
        self.secret = MaskedStr(secrets.token_hex(20))
        self.token = MaskedStr(secrets.token_hex(30))


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Keys:
    made = Keys()
    _no_credentials(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", made.access.reveal())
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made.secret.reveal())
    monkeypatch.setenv("AWS_SESSION_TOKEN", made.token.reveal())
    return made


def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def headers(**more: Any) -> dict[str, str]:
    request = auth_of({**AUTH, **more})("demo", Deadline(5))
    found: dict[str, str] = json.loads(request.body)
    return found


def test_who_has_signed_reads(server: ConjurServer, keys: Keys, canary: str) -> None:
    server.enable_trusted("authn-iam/prod", {keys.access: HOST})

    assert canary == value(resolver_for(server, auth=AUTH), NAME)
    assert ("POST", "/authn-iam/prod/demo/host%2Fapp%2Fweb/authenticate") == server.requests[0]


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "eusc-de-east-1", "global"])
def test_the_headers_are_those_that_the_real_strategy_signs(
    keys: Keys, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conjur_api.providers import aws_iam_authentication_strategy as theirs

    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW)

    assert json.loads(theirs.build_signed_headers(region)) == headers(region=region)


def test_the_usual_region_is_that_of_the_real_strategy(keys: Keys) -> None:
    assert "sts.us-east-1.amazonaws.com" == headers()["host"]


def test_credentials_are_looked_for_anew_at_each_login(
    server: ConjurServer, keys: Keys, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "AKIA" + secrets.token_hex(8).upper()
    server.enable_trusted("authn-iam/prod", {keys.access: HOST, other: HOST})
    resolver = resolver_for(server, auth=AUTH)
    value(resolver, NAME)
    server.enable_trusted("authn-iam/prod", {other: HOST})
    server.revoke_tokens()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", other)

    assert canary == value(resolver, NAME)


def test_another_identity_is_a_denial(server: ConjurServer, keys: Keys) -> None:
    server.enable_trusted("authn-iam/prod", {"AKIA": HOST})

    with pytest.raises(AccessDenied, match=r"an identity at AWS that is refused there .* to 'host/app/web'"):
        read(resolver_for(server, auth=AUTH), NAME)


def test_without_credentials_nothing_is_sent(
    server: ConjurServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _no_credentials(monkeypatch, tmp_path)

    with pytest.raises(AccessDenied, match="credentials"):
        read(resolver_for(server, auth=AUTH), NAME)
    assert [] == server.requests


def test_a_profile_that_is_not_there_is_told(
    server: ConjurServer, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")

    with pytest.raises(ConfigError):
        read(resolver_for(server, auth=AUTH), NAME)
    assert [] == server.requests


@pytest.mark.parametrize("region", ["us-east-1.evil.example/", "x", "US-EAST-1", "eu_central_1"])
def test_what_is_no_region_is_refused_when_the_resolver_is_built(server: ConjurServer, region: str) -> None:
    with pytest.raises(ConfigError, match="region is none"):
        resolver_for(server, auth={**AUTH, "region": region})


def test_without_boto3_the_extra_is_named(server: ConjurServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        _installed.importlib.util, "find_spec", lambda name: None if name == "boto3" else object()
    )

    with pytest.raises(MissingDependency, match=r"boto3 for auth of method 'iam'.*secretsource\[aws\]"):
        resolver_for(server, auth=AUTH)


def test_neither_log_nor_error_shows_a_key(server: ConjurServer, keys: Keys) -> None:
    server.fault("status:401", times=9, match="authenticate")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        error = raised(lambda: read(resolver_for(server, auth=AUTH), NAME))
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

    told = stream.getvalue() + everything_about(error)
    assert [] == [key for key in (keys.access, keys.secret, keys.token) if key[:12] in told]
    assert "Signature" not in told
