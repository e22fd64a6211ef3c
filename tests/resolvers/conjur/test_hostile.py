"""Answers that are made to mislead or to last, and what of a login is seen in memory."""

from __future__ import annotations

import base64
import json
import secrets

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import MaskedBytes
from secretsource.errors import ConfigError, InvalidResponse
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.conjur import _auth
from secretsource.resolvers.conjur._token import DEFAULT_LIFE, Token, token_of
from tests.resolvers.conjur.support import read, resolver_at, token_body
from tests.servers.faulty import FaultyServer

LOGIN = "/authn/demo/alice/authenticate"
REQUEST = _auth.api_key_request("demo", "alice", secrets.token_hex(8))
LIST = "/resources/demo"
DEEP = "[" * 30_000  # an answer without a value is read up to 64 KiB


@pytest.fixture
def broken(faulty: FaultyServer) -> FaultyServer:
    """A server that gives everybody a token, and else what the test says."""
    faulty.answer(body=token_body(), path=LOGIN)
    return faulty


def _page(first: int, count: int, **more: object) -> str:
    return json.dumps([{"id": f"demo:variable:other/{first + n}", **more} for n in range(count)])


def _pages(server: FaultyServer, search: str, *pages: str) -> None:
    for number, page in enumerate(pages):
        query = f"kind=variable&limit=1000{search}&offset={number * 1000}"
        server.answer(body=page, path=f"{LIST}?{query}")


def test_a_list_that_repeats_itself_is_broken(broken: FaultyServer) -> None:
    broken.answer(body=_page(0, 1000))

    with pytest.raises(InvalidResponse, match="the list of variables repeats itself"):
        read(resolver_at(broken.url), "app", document=True)
    assert 2 == sum(request.path.startswith(LIST) for request in broken.requests)


def test_a_page_of_variables_that_were_never_set_is_no_repetition(broken: FaultyServer) -> None:
    for search in ("&search=app", ""):
        _pages(broken, search, _page(0, 1000, secrets=[]), _page(1000, 1000, secrets=[]), "[]")

    assert read(resolver_at(broken.url), "app", document=True) is None


@pytest.mark.parametrize("status", [200, 404])
def test_a_deeply_nested_list_is_broken(broken: FaultyServer, status: int) -> None:
    broken.answer(status, body=DEEP)

    with pytest.raises(InvalidResponse):
        read(resolver_at(broken.url), "app", document=True)


def test_a_deeply_nested_404_is_broken_and_not_a_missing_variable(broken: FaultyServer) -> None:
    broken.answer(404, body=DEEP)

    with pytest.raises(InvalidResponse):
        read(resolver_at(broken.url), "app")


def test_a_deeply_nested_batch_is_read_one_by_one(broken: FaultyServer) -> None:
    broken.answer(body=DEEP)
    broken.answer(body=json.dumps([{"id": "demo:variable:app/x"}]), path=LIST)
    broken.answer(body="found", path="/secrets/demo/variable/app%2Fx")

    assert {"x": "found"} == read(resolver_at(broken.url), "app", document=True).fields


@pytest.mark.parametrize("body", [DEEP.encode(), base64.b64encode(DEEP.encode())])
def test_a_deeply_nested_login_is_broken(faulty: FaultyServer, body: bytes) -> None:
    faulty.answer(body=body)

    with pytest.raises(InvalidResponse):
        read(resolver_at(faulty.url), "app")


@pytest.mark.parametrize(
    "payload", [DEEP, '{"exp": 1' + "0" * 400 + ', "iat": 0}', '{"exp": NaN, "iat": 0}', "5"]
)
def test_a_token_whose_claims_are_none_lives_as_long_as_usual(payload: str) -> None:
    parts = {
        "protected": "x",
        "payload": base64.urlsafe_b64encode(payload.encode()).decode(),
        "signature": "x",
    }
    body = MaskedBytes(base64.b64encode(json.dumps(parts).encode()))

    token = token_of(Reply(status=200, headers={}, body=body), REQUEST, asked_at=0.0)

    assert isinstance(token, Token)
    assert DEFAULT_LIFE == token.ends_at


def test_key_and_token_are_masked_where_they_are_kept() -> None:
    key = secrets.token_hex(8)
    request = _auth.auth_of({"method": "api_key", "login": "alice", "api_key": key})("demo", Deadline(1))
    token = token_of(Reply(status=200, headers={}, body=MaskedBytes(token_body())), REQUEST, asked_at=0.0)

    assert isinstance(token, Token)
    assert key.encode() == request.body
    assert key not in repr([request.body])
    assert "MaskedStr('********')" == repr(token.header)


def test_so_they_are_sent_plain(broken: FaultyServer) -> None:
    broken.answer(body="found")
    body = token_body()
    broken.answer(body=body, path=LOGIN)
    auth = {"method": "api_key", "login": "alice", "api_key": "plain-key"}
    read(resolver_at(broken.url, auth=auth), "app")

    assert b"plain-key" == broken.requests[0].body
    assert f'Token token="{body.decode()}"' == broken.requests[1].headers["authorization"]


@pytest.mark.parametrize("piece", ["", ".", ".."])
def test_no_login_is_sent_to_a_path_that_means_another_one(broken: FaultyServer, piece: str) -> None:
    auth = {"method": "ldap", "service_id": lambda: piece, "login": "alice", "password": secrets.token_hex(8)}

    with pytest.raises(ConfigError, match="needs an account, a service and a login"):
        read(resolver_at(broken.url, auth=auth), "app")
    assert [] == broken.requests


@pytest.mark.parametrize("account", [".", "..", "a\nb", "a\x1b[31m"])
def test_an_account_that_is_none_is_refused(broken: FaultyServer, account: str) -> None:
    with pytest.raises(ConfigError, match="account cannot be"):
        resolver_at(broken.url, account=account)
