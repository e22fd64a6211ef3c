"""Our logins are the requests that conjur_api's own strategies send; where they differ, it is on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import logging
import secrets
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from secretsource.resolvers._address import Address
from secretsource.resolvers.conjur import _metadata
from tests.resolvers.conjur.support import read, resolver_at, token_body
from tests.servers.faulty import FaultyServer, Received

ACCOUNT = "demo"
HOST = "host/app/web é"
SERVICE = "a/b c"
JWT = f"{secrets.token_hex(8)}.{secrets.token_urlsafe(8)}-_.x"
PASSWORD = secrets.token_urlsafe(12)


@pytest.fixture
def recorder(faulty: FaultyServer) -> FaultyServer:
    """Gives everybody a token and writes down what was asked."""
    faulty.answer(body=token_body())
    return faulty


@pytest.fixture
def logging_kept() -> Iterator[None]:
    """Undo what conjur_api does to the process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with warnings.catch_warnings():
        yield
    root.handlers[:] = handlers
    root.setLevel(level)


pytestmark = pytest.mark.usefixtures("logging_kept")


def theirs(recorder: FaultyServer, method: str) -> Received:
    """Return the request of the real strategy."""
    from conjur_api.errors.errors import HttpError
    from conjur_api.models import ConjurConnectionInfo, SslVerificationMetadata, SslVerificationMode

    info = ConjurConnectionInfo(
        conjur_url=recorder.url, account=ACCOUNT, service_id=None if method == "api_key" else SERVICE
    )
    verified = SslVerificationMetadata(SslVerificationMode.TRUST_STORE)
    before = len(recorder.requests)
    # The recorder's token is none of theirs; what was sent is written down.
    with contextlib.suppress(HttpError, ValueError, KeyError, TypeError):
        asyncio.run(strategy_of(method, recorder).authenticate(info, verified))
    (sent,) = [
        one for one in recorder.requests[before:] if one.path.partition("?")[0].endswith("/authenticate")
    ]
    return sent


def strategy_of(method: str, recorder: FaultyServer) -> Any:
    from conjur_api import models, providers
    from conjur_api.models.general.credentials_data import OidcCodeDetail

    if method in {"api_key", "ldap"}:
        known = providers.SimpleCredentialsProvider()
        known.save(models.CredentialsData(machine=recorder.url, username=HOST, api_key=PASSWORD))
        kind = {
            "api_key": providers.AuthnAuthenticationStrategy,
            "ldap": providers.LdapAuthenticationStrategy,
        }
        return kind[method](known)
    if method == "jwt":
        return providers.JWTAuthenticationStrategy(JWT)
    if method == "iam":
        return providers.AWSIAMAuthenticationStrategy(HOST, SERVICE, "eu-central-1")
    if method == "oidc":
        code = secrets.token_hex(8)
        known = providers.SimpleCredentialsProvider()
        detail = OidcCodeDetail(code, secrets.token_hex(8), secrets.token_hex(8))
        known.save(models.CredentialsData(machine=recorder.url, username=HOST, oidc_code_detail=detail))
        return providers.OidcAuthenticationStrategy(known)
    if method == "gcp":
        return providers.GCPAuthenticationStrategy(
            HOST, gcp_identity_url=f"{recorder.url}{_metadata._GOOGLE}"
        )
    return providers.AzureAuthenticationStrategy(HOST, client_id="one", imds_base_url=recorder.url)


def parsed(target: str) -> tuple[str, dict[str, list[str]]]:
    path, _, query = target.partition("?")
    return path, parse_qs(query, strict_parsing=True)


def ours(recorder: FaultyServer, auth: dict[str, Any]) -> Received:
    """Return our request for the same login."""
    before = len(recorder.requests)
    read(resolver_at(recorder.url, account=ACCOUNT, auth=auth), "x")
    (sent,) = [one for one in recorder.requests[before:] if one.path.endswith("/authenticate")]
    return sent


TABLES: dict[str, dict[str, Any]] = {
    "api_key": {"login": HOST, "api_key": PASSWORD},
    "ldap": {"service_id": SERVICE, "login": HOST, "password": PASSWORD},
    "jwt": {"service_id": SERVICE, "jwt": JWT},
    "azure": {"service_id": SERVICE, "login": HOST, "client_id": "one"},
    "gcp": {"service_id": SERVICE, "login": HOST},
}


@pytest.fixture
def metadata(recorder: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> FaultyServer:
    monkeypatch.setattr(_metadata, "_SERVICE", Address(scheme="http", host="127.0.0.1", port=recorder.port))
    recorder.answer(body=json.dumps({"access_token": JWT}), path=_metadata._AZURE)
    recorder.answer(body=JWT, path=_metadata._GOOGLE)
    return recorder


@pytest.mark.parametrize("method", sorted(TABLES))
def test_a_login_is_the_request_of_the_real_strategy(metadata: FaultyServer, method: str) -> None:
    their, our = theirs(metadata, method), ours(metadata, {"method": method, **TABLES[method]})

    assert (their.method, their.path, their.body) == (our.method, our.path, our.body)


def test_a_signed_login_is_the_request_of_the_real_strategy(
    recorder: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", secrets.token_hex(8))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secrets.token_hex(20))
    auth = {"method": "iam", "service_id": SERVICE, "login": HOST, "region": "eu-central-1"}
    their, our = theirs(recorder, "iam"), ours(recorder, auth)

    assert (their.method, their.path, their.headers["content-type"], json.loads(their.body)) == (
        our.method,
        our.path,
        our.headers["content-type"],
        json.loads(our.body),
    )


def test_the_real_strategy_for_openid_is_a_login_in_a_browser(recorder: FaultyServer) -> None:
    """Why ours is held to Conjur's documentation: a program has an ID token, and no code."""
    their, our = (
        theirs(recorder, "oidc"),
        ours(recorder, {"method": "oidc", "service_id": SERVICE, "jwt": JWT}),
    )

    assert ("GET", f"{our.path}?code") == (their.method, their.path.partition("=")[0])
    assert ("POST", f"id_token={JWT}".encode()) == (our.method, our.body)


@pytest.mark.parametrize("method", ["azure", "gcp"])
def test_the_metadata_service_is_asked_as_by_the_real_strategy(metadata: FaultyServer, method: str) -> None:
    theirs(metadata, method)
    ours(metadata, {"method": method, **TABLES[method]})

    their, our = [one for one in metadata.requests if not one.path.startswith(("/authn", "/secrets"))]
    header = {"azure": "metadata", "gcp": "metadata-flavor"}[method]
    assert (their.method, their.headers[header]) == (our.method, our.headers[header])
    assert parsed(their.path) == parsed(our.path)  # theirs leaves slashes in a query as they are


def test_the_type_of_the_body_is_that_of_conjurs_documentation_where_theirs_is_not(
    metadata: FaultyServer,
) -> None:
    their, our = theirs(metadata, "jwt"), ours(metadata, {"method": "jwt", **TABLES["jwt"]})

    assert "text/plain; charset=utf-8" == their.headers["content-type"]
    assert "application/x-www-form-urlencoded" == our.headers["content-type"]


@pytest.mark.parametrize("method", ["api_key", "ldap"])
def test_the_real_strategy_sends_its_credential_on_to_wherever_a_redirect_points(
    recorder: FaultyServer, method: str
) -> None:
    """Why none of them is used: with ours, see the tests of each method."""
    with FaultyServer() as elsewhere:
        elsewhere.answer(body=token_body())
        path = ours(recorder, {"method": method, **TABLES[method]}).path
        recorder.answer(307, headers={"Location": elsewhere.url + path}, path=path)
        theirs(recorder, method)

        assert PASSWORD.encode() == elsewhere.requests[0].body


def test_the_real_strategy_for_certificates_sends_nothing_at_all() -> None:
    """Why ours is held to Conjur's documentation and not to it: it measures a body that is not there."""
    from conjur_api.models import ConjurConnectionInfo, SslVerificationMetadata, SslVerificationMode
    from conjur_api.providers import CertAuthenticationStrategy

    strategy = CertAuthenticationStrategy("cert.pem", "key.pem", "prod", "host/app/web")
    info = ConjurConnectionInfo(conjur_url="https://127.0.0.1:1", account=ACCOUNT)
    verified = SslVerificationMetadata(SslVerificationMode.TRUST_STORE)

    with pytest.raises(TypeError, match="NoneType"):
        asyncio.run(strategy.authenticate(info, verified))
