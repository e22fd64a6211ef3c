"""Every status has one meaning, on a read and on a login."""

from __future__ import annotations

import json

import pytest

from secretsource._secret import Document, MaskedBytes, NotThere
from secretsource.errors import AccessDenied, BackendUnavailable, InvalidResponse, Reason, ResolverError
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.conjur._answers import DECISIONS, decide, document_of, failure_of
from secretsource.resolvers.conjur._login_request import LoginRequest
from secretsource.resolvers.conjur._token import Token, token_of
from tests.servers.conjur.recordings import EXCHANGES, Exchange

REQUEST = LoginRequest(login="alice", path="/authn-jwt/ci/demo/authenticate", body=MaskedBytes())
DENIED = {401, 403}
UNAVAILABLE = {408, 425, 429, *range(500, 600)}
NOT_FOUND = json.dumps({"error": {"code": "not_found", "message": "gone"}}).encode()
VALUE = {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment"}


def reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    return Reply(
        status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=body
    )


def kind_of(status: int) -> type[ResolverError]:
    if status in DENIED:
        return AccessDenied
    return BackendUnavailable if status in UNAVAILABLE else InvalidResponse


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_a_decision_in_the_table(status: int) -> None:
    assert any(status in statuses for statuses, _, _ in DECISIONS)
    error = failure_of(reply(status))
    assert kind_of(status) is type(error)
    assert f"HTTP {status}" in error.detail


@pytest.mark.parametrize("status", [status for status in range(100, 600) if status != 200])
def test_no_status_but_200_brings_a_value_or_a_token(status: int) -> None:
    meant = document_of(Reply(status=status, headers=VALUE, body=b"body"), login="alice", version=None)
    token = token_of(reply(status, b"e30="), REQUEST, asked_at=0)

    assert (kind_of(status), kind_of(status)) == (type(meant), type(token))


@pytest.mark.parametrize("status", range(100, 600))
def test_only_a_404_with_conjurs_json_is_not_there(status: int) -> None:
    meant = document_of(reply(status, NOT_FOUND, Content_Type="text/html"), login="alice", version=None)

    assert (status == 404) is isinstance(meant, NotThere)


@pytest.mark.parametrize("status", [0, 99, 600, 999])
def test_what_is_no_http_status_is_broken(status: int) -> None:
    assert (Reason.BROKEN, "no HTTP status") == decide(status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b'"not_found"',
        b'{"error": "not_found"}',
        b'{"error": {"code": "other"}}',
        b"\xff",
    ],
)
def test_any_other_404_is_a_wrong_url(body: bytes) -> None:
    meant = document_of(reply(404, body), login="alice", version=None)

    assert isinstance(meant, InvalidResponse)
    assert "is url, with its path, right?" in meant.detail


@pytest.mark.parametrize(
    ("body", "headers", "is_value"),
    [
        (b"x", {}, True),
        (b"x", {"Content_Type": "application/octet-stream"}, True),
        (b"x", {"Content_Type": "text/html", "Content_Disposition": "attachment"}, True),
        (b"", {"Content_Disposition": "attachment"}, True),
        (b"x", {"Content_Type": "text/html"}, False),
        (b"x", {"Content_Type": "Text/HTML; charset=utf-8", "Content_Disposition": "inline"}, False),
        (b"", {"Content_Type": "application/octet-stream"}, False),
        (b"", {}, False),
    ],
)
def test_a_page_or_nothing_is_no_value(body: bytes, headers: dict[str, str], is_value: bool) -> None:
    meant = document_of(reply(200, body, **headers), login="alice", version=None)

    assert is_value is isinstance(meant, Document)


def test_retry_after_and_the_request_id_are_told() -> None:
    request_id = "0b1c7a2e-6f0d-4c55-9a30-5d5d9a3e7c11"
    error = failure_of(reply(429, Retry_After="7", x_request_id=request_id))

    assert (Reason.THROTTLED, 7.0) == (error.reason, error.retry_after)
    assert f"HTTP 429; request {request_id}" == error.detail


def test_a_request_id_that_is_none_is_not_told() -> None:
    error = failure_of(reply(500, x_request_id="something else"))

    assert "HTTP 500" == error.detail


READS = [one for one in EXCHANGES if one.method == "GET" and one.target.startswith("/secrets/demo/variable/")]
LOGINS = [one for one in EXCHANGES if one.method == "POST" and one.target.endswith("/authenticate")]


def reply_of(exchange: Exchange) -> Reply:
    headers = dict(exchange.response["headers"])
    return Reply(status=exchange.response["status"], headers=headers, body=exchange.answer)


@pytest.mark.parametrize("exchange", READS, ids=lambda one: one.id)
def test_what_a_real_conjur_answered_to_reads_means_what_it_should(exchange: Exchange) -> None:
    meant = document_of(reply_of(exchange), login="alice", version=None)
    wanted = {200: Document, 404: NotThere, 401: AccessDenied, 403: AccessDenied, 500: BackendUnavailable}

    assert wanted.get(exchange.response["status"], InvalidResponse) is type(meant)
    if isinstance(meant, Document):
        assert meant.value is not None
        found = meant.value.reveal()
        assert exchange.answer == (found.encode() if isinstance(found, str) else found)


@pytest.mark.parametrize(
    "exchange", [one for one in LOGINS if one.response["status"] != 200], ids=lambda one: one.id
)
def test_what_a_real_conjur_answered_to_logins_means_what_it_should(exchange: Exchange) -> None:
    meant = token_of(reply_of(exchange), REQUEST, asked_at=0)
    wanted = {401: AccessDenied, 500: BackendUnavailable}

    assert wanted.get(exchange.response["status"], InvalidResponse) is type(meant)


@pytest.mark.parametrize("exchange", LOGINS, ids=lambda one: one.id)
def test_the_code_of_a_refusal_is_told_where_a_real_conjur_gave_one(exchange: Exchange) -> None:
    meant = token_of(reply_of(exchange), REQUEST, asked_at=0)

    assert ("CONJ00016E; " in str(meant)) == (exchange.id == "authn-jwt.expired")


def test_the_words_behind_the_code_are_not_told() -> None:
    body = b'{"error": {"code": "unauthorized", "message": "CONJ00016E of canary"}}'

    assert "canary" not in str(token_of(reply(401, body), REQUEST, asked_at=0))


def test_the_token_of_a_real_conjur_lives_as_long_as_it_says() -> None:
    exchange = next(one for one in EXCHANGES if one.id == "authn.ok.json")
    token = token_of(reply_of(exchange), REQUEST, asked_at=1000.0)

    assert isinstance(token, Token)
    assert (1320.0, 1480.0) == (token.renew_at, token.ends_at)
