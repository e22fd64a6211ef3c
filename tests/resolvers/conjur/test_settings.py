"""Settings: what is missing or wrong is told when the resolver is built."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from secretsource.errors import ConfigError
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.support import value
from tests.servers.conjur import ConjurServer

URL = "https://conjur.example.com"
AUTH = {"method": "api_key", "login": "alice", "api_key": "env-less"}


def build(**settings: Any) -> ConjurResolver:
    return ConjurResolver(**{"url": URL, "account": "demo", "auth": AUTH, **settings})


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("url", "set url, or the variable CONJUR_APPLIANCE_URL"),
        ("account", "set account, or the variable CONJUR_ACCOUNT"),
        ("auth", "the variable CONJUR_AUTHN_LOGIN"),
    ],
)
def test_a_missing_setting_is_told_with_its_variable(missing: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build(**{missing: None})


@pytest.mark.parametrize(
    ("setting", "wrong", "words"),
    [
        ("url", "http://conjur.example.com", "use https"),
        ("url", "conjur.example.com", "write it like"),
        ("url", "ftp://conjur.example.com", "write it like"),
        ("url", "https://", "write it like"),
        ("url", "https://conjur.example.com:none", "write it like"),
        ("url", "https://user:pw@conjur.example.com", "must not hold credentials"),
        ("url", "https://conjur.example.com?x=1", "must not hold"),
        ("url", "user:pw@conjur.example.com", "must not hold credentials"),
        ("url", [], "CONJUR_APPLIANCE_URL"),
        ("url", [1], "write it like"),
        ("account", " ", "CONJUR_ACCOUNT"),
        ("prefix", "/prod/", "prefix"),
        ("prefix", "prod/../", "prefix"),
        ("prefix", "prod\n", "prefix"),
        ("max_bytes", 0, "max_bytes"),
        ("max_bytes", True, "max_bytes"),
        ("max_bytes", "1", "max_bytes"),
        ("ca_file", "/nonexistent/ca.pem", "cannot be read"),
        ("ca_file", str(Path(__file__).with_name("support.py")), "no certificate"),
        ("auth", "api_key", "must be a table"),
        ("auth", {}, "needs a known method: known are: api_key"),
        ("auth", {"method": "apikey"}, "did you mean 'api_key'"),
        ("auth", {"method": "kerberos"}, "known are: api_key, azure, cert, gcp, iam, jwt, ldap, oidc"),
        ("auth", {"method": "ldap", "login": "alice"}, "'ldap' needs 'service_id' and 'password'"),
        ("auth", {"method": "jwt", "service_id": "ci"}, "'jwt' needs 'jwt'"),
        ("auth", {"method": "azure", "service_id": "prod"}, "'azure' needs 'login'"),
        ("auth", {"method": "gcp"}, "'gcp' needs 'login'"),
        ("auth", {**AUTH, "apikey": "x"}, "unknown key 'apikey' .* did you mean 'api_key'"),
        ("auth", {"method": "api_key", "login": "alice"}, "needs 'api_key'"),
        ("auth", {"method": "api_key", "login": "", "api_key": "x"}, "'login' .* not empty"),
        ("auth", {**AUTH, "api_key": 5}, "'api_key' .* text"),
    ],
)
def test_a_wrong_setting_is_told_when_the_resolver_is_built(setting: str, wrong: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build(**{setting: wrong})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "http://127.1.2.3"]
)
def test_http_goes_to_loopback(url: str) -> None:
    assert url in repr(build(url=url))


@pytest.mark.parametrize(
    "url", ["https://acme.secretsmgr.cyberark.cloud", "https://acme.secretsmgr.cyberark.cloud/api/"]
)
def test_cyberarks_own_service_has_its_path_and_its_account(url: str) -> None:
    shown = "url='https://acme.secretsmgr.cyberark.cloud:443/api', account='conjur'"

    assert shown in repr(build(url=url, account=None))


@pytest.mark.parametrize(
    "url",
    ["https://acme.secretsmgr.cyberark.cloud.example.com", "https://secretsmgr.cyberark.cloud", URL + "/api"],
)
def test_what_only_looks_like_it_has_neither(url: str) -> None:
    with pytest.raises(ConfigError, match="CONJUR_ACCOUNT"):
        build(url=url, account=None)


def test_another_path_or_account_of_it_is_kept() -> None:
    shown = "url='https://acme.secretsmgr.cyberark.cloud:443/v2', account='other'"

    assert shown in repr(build(url="https://acme.secretsmgr.cyberark.cloud/v2", account="other"))


def test_everything_can_come_from_conjurs_own_variables(
    server: ConjurServer, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONJUR_APPLIANCE_URL", server.url)
    monkeypatch.setenv("CONJUR_ACCOUNT", server.account)
    monkeypatch.setenv("CONJUR_AUTHN_LOGIN", "alice")
    monkeypatch.setenv("CONJUR_AUTHN_API_KEY", server.api_key("alice"))

    assert canary == value(ConjurResolver(), "pepipost/api_key")


def test_a_certificate_can_come_from_either_variable(
    tls_server: ConjurServer, canary: str, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = {**AUTH, "api_key": tls_server.api_key("alice")}
    monkeypatch.setenv("CONJUR_CERT_FILE", str(ca_file))
    assert canary == value(build(url=tls_server.url, auth=auth), "pepipost/api_key")
    monkeypatch.setenv("CONJUR_CERT_FILE", "/nonexistent/ca.pem")
    monkeypatch.setenv("CONJUR_SSL_CERTIFICATE", ca_file.read_text())
    assert canary == value(build(url=tls_server.url, auth=auth), "pepipost/api_key")


def test_a_certificate_that_cannot_be_loaded_is_a_config_error(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n")

    with pytest.raises(ConfigError, match=r"ca_file .* holds no certificates in PEM form"):
        build(ca_file=broken)


def test_the_repr_shows_addresses_and_no_credential() -> None:
    shown = repr(build(name="eu", url=[URL + "/api", "https://b.example.com"]))

    urls = "https://conjur.example.com:443/api, https://b.example.com:443"
    assert f"ConjurResolver('eu', url='{urls}', account='demo')" == shown


def test_it_refuses_to_be_pickled() -> None:
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="holds credentials"):
            attempt(build())


def test_a_name_that_cannot_be_a_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot name a resolver"):
        build(name="con jur")
