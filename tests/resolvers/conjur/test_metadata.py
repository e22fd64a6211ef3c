"""Tokens of the machine's own identity: one address, no proxy, no redirect, bounded, and told apart from Conjur."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import AccessDenied, BackendUnavailable, InvalidResponse, Reason, ResolverError
from secretsource.resolvers._address import Address
from secretsource.resolvers.conjur import _metadata
from tests.resolvers.conjur.support import read, resolver_for, value
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer

NAME = "pepipost/api_key"
HOST = "host/app/web"
AZURE = {"method": "azure", "service_id": "prod", "login": HOST}
SERVICE = _metadata._SERVICE  # as it is without the tests' environment
GCP = {"method": "gcp", "login": HOST}


@pytest.fixture
def token() -> MaskedStr:
    return MaskedStr(f"{secrets.token_urlsafe(12)}.{secrets.token_urlsafe(30)}.{secrets.token_urlsafe(12)}")


@pytest.fixture
def metadata(faulty: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> FaultyServer:
    """What stands where the metadata service would."""
    monkeypatch.setattr(_metadata, "_SERVICE", Address(scheme="http", host="127.0.0.1", port=faulty.port))
    return faulty


def azure(seconds: float = 5) -> str:
    return _metadata.azure_token("https://management.azure.com/", None, Deadline(seconds))


def gcp(seconds: float = 5) -> str:
    return _metadata.gcp_token("conjur/demo/host/app/web", Deadline(seconds))


BOTH = pytest.mark.parametrize("ask", [azure, gcp])


def test_the_service_is_the_link_local_address_of_all_clouds() -> None:
    assert "http://169.254.169.254:80" == str(SERVICE)


def test_azure_vouches_for_a_login(
    server: ConjurServer, metadata: FaultyServer, token: MaskedStr, canary: str
) -> None:
    server.enable_trusted("authn-azure/prod", {token: HOST})
    metadata.answer(body=json.dumps({"access_token": token, "expires_in": "86399"}))
    auth = {**AZURE, "client_id": "one", "resource": "api://conjur"}

    assert canary == value(resolver_for(server, auth=auth), NAME)
    (asked,) = metadata.requests
    assert ("GET", "true") == (asked.method, asked.headers["metadata"])
    path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api%3A%2F%2Fconjur&client_id=one"
    assert path == asked.path


@pytest.mark.parametrize("login", [HOST, "app/web"])
def test_google_vouches_for_a_login(
    server: ConjurServer, metadata: FaultyServer, token: MaskedStr, canary: str, login: str
) -> None:
    server.enable_trusted("authn-gcp", {token: HOST})
    metadata.answer(body=f"{token}\n")

    assert canary == value(resolver_for(server, auth={**GCP, "login": login}), NAME)
    (asked,) = metadata.requests
    assert ("metadata.google.internal", "Google") == (asked.headers["host"], asked.headers["metadata-flavor"])
    assert asked.path.endswith("/identity?audience=conjur%2Fdemo%2Fhost%2Fapp%2Fweb&format=full")


def test_a_new_login_asks_for_a_new_token(
    server: ConjurServer, metadata: FaultyServer, token: MaskedStr, canary: str
) -> None:
    server.enable_trusted("authn-gcp", {token: HOST})
    metadata.answer(body=token)
    resolver = resolver_for(server, auth=GCP)
    value(resolver, NAME)
    server.revoke_tokens()

    assert canary == value(resolver, NAME)
    assert 2 == len(metadata.requests)


@BOTH
def test_no_proxy_is_used(
    metadata: FaultyServer, ask: Callable[[], str], token: MaskedStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    metadata.answer(body=json.dumps({"access_token": token}) if ask is azure else token)

    assert token == ask()


@BOTH
def test_no_redirect_is_followed(metadata: FaultyServer, ask: Callable[[], str]) -> None:
    with FaultyServer() as elsewhere:
        metadata.answer(302, headers={"Location": elsewhere.url})
        with pytest.raises(InvalidResponse, match="HTTP 302 from the metadata service of"):
            ask()
        assert [] == elsewhere.requests


@BOTH
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.DENIED),
        (403, Reason.DENIED),
        (404, Reason.DENIED),
        (410, Reason.SERVER),
        (429, Reason.THROTTLED),
        (500, Reason.SERVER),
        (503, Reason.SERVER),
        (405, Reason.BROKEN),
    ],
)
def test_a_status_says_what_is_wrong(
    metadata: FaultyServer, ask: Callable[[], str], status: int, reason: Reason
) -> None:
    metadata.answer(status)

    with pytest.raises(ResolverError, match=f"HTTP {status} from the metadata service of") as caught:
        ask()
    assert reason is caught.value.reason
    assert (reason is Reason.DENIED) == ("assigned to this machine?" in str(caught.value))


@BOTH
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>", b'{"access_token": 5}', b"{" * 2000, b"\xff", b"a b"]
)
def test_a_body_without_a_token_is_broken(
    metadata: FaultyServer, ask: Callable[[], str], body: bytes
) -> None:
    metadata.answer(body=body)

    with pytest.raises(InvalidResponse, match=r"the metadata service of .* answered with no token"):
        ask()


@BOTH
def test_an_answer_without_an_end_is_not_read_whole(metadata: FaultyServer, ask: Callable[[], str]) -> None:
    metadata.answer(body=b"a" * 200_000)

    with pytest.raises(InvalidResponse, match="more than 65536 bytes"):
        ask()


@BOTH
def test_a_service_that_hangs_ends_with_the_deadline(
    metadata: FaultyServer, ask: Callable[[float], str]
) -> None:
    metadata.answer(delay=30)

    with pytest.raises(BackendUnavailable) as caught:
        ask(0.2)
    assert Reason.TIMEOUT is caught.value.reason


@BOTH
def test_a_machine_without_one_is_told(ask: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultyServer() as gone:
        port = gone.port
    monkeypatch.setattr(_metadata, "_SERVICE", Address(scheme="http", host="127.0.0.1", port=port))

    with pytest.raises(BackendUnavailable, match=rf"the metadata service of .*, 127\.0\.0\.1:{port}"):
        ask()


def test_a_service_that_refuses_is_no_login(server: ConjurServer, metadata: FaultyServer) -> None:
    metadata.answer(400)

    with pytest.raises(AccessDenied, match="is a managed identity assigned"):
        read(resolver_for(server, auth=AZURE), NAME)
    assert [] == server.requests
