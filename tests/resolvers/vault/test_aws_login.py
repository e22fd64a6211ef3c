"""A login with the IAM identity of AWS: what is signed, checked by hand as AWS does it, and sent to a played STS."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3

from secretsource.errors import AccessDenied, BackendUnavailable, ConfigError, MissingDependency
from secretsource.resolvers import _installed
from secretsource.resolvers.vault import VaultResolver
from tests.fakes import FakeClock
from tests.resolvers.vault.logins import clock
from tests.resolvers.vault.support import (
    JSON,
    LOGGED_IN,
    asked,
    no_environment,
    quick_retries,
    read,
    resolver_of,
    server,
)
from tests.servers._process import free_port
from tests.servers.faulty import FaultyServer
from tests.servers.moto import Moto

__all__ = ["clock", "no_environment", "quick_retries", "server"]

LOGIN = "/v1/auth/aws/login"


class Keys:
    """Keys of AWS, in the environment of the process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.renew()

    def renew(self) -> None:
        """Set others."""
        self.id, self.secret, self.token = "AKIA" + secrets.token_hex(8).upper(), *_two()
        for name, value in (
            ("ACCESS_KEY_ID", self.id),
            ("SECRET_ACCESS_KEY", self.secret),
            ("SESSION_TOKEN", self.token),
        ):
            self._monkeypatch.setenv(f"AWS_{name}", value)


def _two() -> tuple[str, str]:
    return secrets.token_hex(20), secrets.token_hex(40)


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no credentials of AWS but those of the test."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    return Keys(monkeypatch)


@pytest.fixture(autouse=True)
def logs_in(server: FaultyServer) -> None:
    server.answer(body=LOGGED_IN, headers=JSON, path=LOGIN)


class Signed:
    """The request to AWS that a login sent along."""

    def __init__(self, server: FaultyServer) -> None:
        sent = json.loads([received.body for received in server.requests if received.path == LOGIN][-1])
        self.role = sent.get("role")
        self.method = sent["iam_http_request_method"]
        self.url, self.body, headers = (
            b64decode(sent[f"iam_request_{part}"]).decode() for part in ("url", "body", "headers")
        )
        self.headers = {name: value for name, [value] in json.loads(headers).items()}

    def is_signed_by(self, keys: Keys, region: str) -> bool:
        """Whether the signature is the one that AWS works out for these keys."""
        kind, _, rest = self.headers["Authorization"].partition(" ")
        parts = dict(part.split("=", 1) for part in rest.split(", "))
        host = {"host": urlsplit(self.url).netloc}
        values = {name.lower(): value for name, value in self.headers.items()} | host
        names = parts["SignedHeaders"].split(";")
        assert {*values} - {"authorization"} == {*names}, "a header is not signed"
        day = values["x-amz-date"][:8]
        scope = f"{day}/{region}/sts/aws4_request"
        asked = "\n".join(
            [
                self.method,
                "/",
                "",
                *(f"{name}:{values[name]}" for name in names),
                "",
                ";".join(names),
                _hash(self.body),
            ]
        )
        text = "\n".join([kind, values["x-amz-date"], scope, _hash(asked)])
        key = f"AWS4{keys.secret}".encode()
        for part in (day, region, "sts", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return (kind, f"{keys.id}/{scope}", key.hex()) == (
            "AWS4-HMAC-SHA256",
            parts["Credential"],
            parts["Signature"],
        )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _resolver(server: FaultyServer, **auth: object) -> VaultResolver:
    return resolver_of(server, auth={"method": "aws", **auth})


def test_vault_is_sent_a_signed_question_to_the_global_sts(server: FaultyServer, keys: Keys) -> None:
    assert "good" == read(_resolver(server), "app/key")
    signed = Signed(server)
    assert ("POST", "https://sts.amazonaws.com/") == (signed.method, signed.url)
    assert "Action=GetCallerIdentity&Version=2011-06-15" == signed.body
    assert signed.is_signed_by(keys, "us-east-1")
    assert keys.token == signed.headers["X-Amz-Security-Token"]


def test_the_region_of_the_environment_does_not_matter(
    server: FaultyServer, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    read(_resolver(server), "app/key")
    assert "https://sts.amazonaws.com/" == Signed(server).url


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-central-1", "https://sts.eu-central-1.amazonaws.com/"),
        ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/"),
        ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/"),
    ],
)
def test_the_sts_of_a_region_may_be_asked(server: FaultyServer, keys: Keys, region: str, url: str) -> None:
    read(_resolver(server, region=region), "app/key")
    signed = Signed(server)
    assert (url, True) == (signed.url, signed.is_signed_by(keys, region))


def test_the_id_of_the_server_is_signed_too(server: FaultyServer, keys: Keys) -> None:
    read(_resolver(server, server_id="vault.example"), "app/key")
    signed = Signed(server)
    assert "vault.example" == signed.headers["X-Vault-AWS-IAM-Server-ID"]
    assert signed.is_signed_by(keys, "us-east-1")


@pytest.mark.parametrize("role", [None, "mailer"])
def test_a_role_is_sent_where_it_is_set(server: FaultyServer, keys: Keys, role: str | None) -> None:
    read(_resolver(server, **({"role": role} if role else {})), "app/key")
    assert role == Signed(server).role


def test_only_headers_that_vault_lets_through_are_sent(server: FaultyServer, keys: Keys) -> None:
    read(_resolver(server, server_id="x"), "app/key")
    assert {
        "Authorization",
        "Content-Type",
        "X-Amz-Date",
        "X-Amz-Security-Token",
        "X-Vault-AWS-IAM-Server-ID",
    } == set(Signed(server).headers)


def test_the_question_is_one_that_sts_answers(server: FaultyServer, keys: Keys) -> None:
    read(_resolver(server), "app/key")
    signed = Signed(server)
    with Moto() as moto:
        host = {"Host": urlsplit(signed.url).netloc}
        answer = urllib3.request(signed.method, moto.url, body=signed.body, headers=signed.headers | host)
    assert b"<GetCallerIdentityResult>" in answer.data


def test_credentials_are_asked_for_at_each_login(server: FaultyServer, keys: Keys, clock: FakeClock) -> None:
    vault = _resolver(server)
    read(vault, "app/key")
    keys.renew()
    clock.now += 41
    read(vault, "app/key")
    assert (2, True) == (asked(server, LOGIN), Signed(server).is_signed_by(keys, "us-east-1"))


def test_missing_credentials_say_what_to_set(server: FaultyServer) -> None:
    with pytest.raises(AccessDenied, match="no credentials: set AWS_PROFILE"):
        read(_resolver(server), "app/key")
    assert 0 == asked(server, LOGIN)


def test_a_profile_that_is_not_there_is_a_wrong_configuration(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigError, match="the profile does not exist: check profile, AWS_PROFILE"):
        read(_resolver(server), "app/key")


def test_a_source_of_credentials_that_is_down_is_an_outage(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token = tmp_path / "web"
    token.write_text(secrets.token_hex())
    for name, value in (
        ("WEB_IDENTITY_TOKEN_FILE", str(token)),
        ("ROLE_ARN", "arn:aws:iam::123456789012:role/x"),
        ("ENDPOINT_URL_STS", f"http://127.0.0.1:{free_port()}"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    with pytest.raises(BackendUnavailable, match="credentials of AWS"):
        read(_resolver(server), "app/key")


def test_a_refusal_says_what_was_refused(server: FaultyServer, keys: Keys) -> None:
    server.answer(400, JSON, '{"errors": ["no"]}', path=LOGIN)
    with pytest.raises(AccessDenied, match="on login; auth/aws refused the identity of AWS or the role"):
        read(_resolver(server), "app/key")
    assert 1 == asked(server, LOGIN)


def test_no_key_of_aws_is_logged_or_sent_in_the_clear(
    server: FaultyServer, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        read(_resolver(server), "app/key")
    told = "\n".join(str(vars(record)) for record in caplog.records)
    assert [False, False] == [keys.secret in told, keys.token in told]
    assert not any(keys.secret in str(received) for received in server.requests)


@pytest.mark.parametrize("region", ["eu_central", "x.example", "a/b", "ä", "x"])
def test_a_region_that_is_none_is_a_wrong_configuration(server: FaultyServer, region: str) -> None:
    with pytest.raises(ConfigError, match="write it like 'eu-central-1'"):
        _resolver(server, region=region)


def test_without_botocore_the_message_names_the_extra(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = _installed.importlib.util.find_spec
    monkeypatch.setattr(
        _installed.importlib.util, "find_spec", lambda name: None if name == "botocore" else find(name)
    )
    with pytest.raises(MissingDependency, match=r"pip install 'secretsource\[aws\]'"):
        _resolver(server)


def test_botocore_is_imported_for_this_method_only() -> None:
    code = (
        "import sys\n"
        "from secretsource.resolvers.vault import VaultResolver\n"
        "for method in ({'method': 'aws'}, {'method': 'jwt', 'jwt': 'x'}):\n"
        "    vault = VaultResolver(address='http://127.0.0.1:1', auth=method)\n"
        "    print('botocore' in sys.modules, end=' ')\n"
        "    if method['method'] == 'jwt':\n"
        "        vault._client.get()\n"
        "        print('botocore' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ["False", "False", "False"] == done.stdout.split()
