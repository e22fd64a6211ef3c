"""Logins: one for all threads, renewed in time, tried once more when a token is refused."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from typing import Any

import pytest

from secretsource._secret import Document
from secretsource.errors import AccessDenied, BackendUnavailable, ConfigError, InvalidResponse, Reason
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.resolvers.conjur._auth import api_key_request
from secretsource.resolvers.conjur._token import DEFAULT_LIFE, Token, token_of
from tests.resolvers.conjur.conftest import SteppingClock
from tests.resolvers.conjur.support import at_once, read, resolver_at, resolver_for, token_body, value
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer

NAME = "pepipost/api_key"
REQUEST = api_key_request("demo", "alice", secrets.token_hex(8))


def token_json(**claims: float) -> bytes:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    return json.dumps({"protected": "e30=", "payload": payload, "signature": secrets.token_hex(8)}).encode()


def life_of(body: bytes) -> float:
    token = token_of(Reply(status=200, headers={}, body=body), REQUEST, asked_at=1000.0)
    assert isinstance(token, Token)
    assert pytest.approx(1000 + (token.ends_at - 1000) * 2 / 3) == token.renew_at
    return token.ends_at - 1000


def test_64_cold_threads_log_in_once(server: ConjurServer, resolver: ConjurResolver) -> None:
    server.delay = 0.05

    outcomes = at_once(64, lambda: read(resolver, NAME, seconds=20))

    assert [Document] * 64 == [type(outcome) for outcome in outcomes]
    assert 1 == server.count("authenticate")


def test_16_threads_with_a_revoked_token_log_in_once_more(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    value(resolver, NAME)
    server.revoke_tokens()
    server.delay = 0.05

    outcomes = at_once(16, lambda: read(resolver, NAME))

    assert [Document] * 16 == [type(outcome) for outcome in outcomes]
    assert 2 == server.count("authenticate")


def test_a_token_that_is_refused_again_after_a_new_login_is_a_denial(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    server.fault("status:401", times=2, match="read")

    with pytest.raises(
        AccessDenied,
        match=r"HTTP 401 from 127\.0\.0\.1:\d+; the token of 'alice' was refused, also after a new login",
    ):
        read(resolver, NAME)
    assert (2, 2) == (server.count("authenticate"), server.count("read"))


@pytest.mark.parametrize("login", ["alice", "nobody", "erin"])
def test_a_refused_login_is_a_denial_that_names_the_login(server: ConjurServer, login: str) -> None:
    auth = {"method": "api_key", "login": login, "api_key": secrets.token_hex(26)}

    with pytest.raises(
        AccessDenied,
        match=rf"HTTP 401 from 127\.0\.0\.1:\d+; wrong key, unknown login .* are one answer to '{login}'",
    ):
        read(resolver_for(server, auth=auth), NAME)
    assert 1 == server.count("authenticate")


def test_many_threads_share_a_refused_login(server: ConjurServer) -> None:
    server.delay = 0.1
    auth = {"method": "api_key", "login": "alice", "api_key": secrets.token_hex(26)}
    resolver = resolver_for(server, auth=auth)

    outcomes = at_once(16, lambda: read(resolver, NAME))

    assert [AccessDenied] * 16 == [type(outcome) for outcome in outcomes]
    assert 1 == server.count("authenticate")


def test_a_rotated_key_is_a_denial_once_the_token_is_over(
    server: ConjurServer, resolver: ConjurResolver, clock: SteppingClock
) -> None:
    value(resolver, NAME)
    server.rotate_api_key("alice")
    clock.ahead = 481

    with pytest.raises(AccessDenied):
        read(resolver, NAME)


def test_a_rotated_key_stops_nobody_while_the_token_is_good(
    server: ConjurServer, resolver: ConjurResolver, clock: SteppingClock, canary: str
) -> None:
    value(resolver, NAME)
    server.rotate_api_key("alice")
    clock.ahead = 400

    assert canary == value(resolver, NAME)


def test_credentials_are_asked_for_anew_at_each_login(server: ConjurServer, canary: str) -> None:
    auth = {"method": "api_key", "login": lambda: "alice", "api_key": lambda: server.api_key("alice") + "\n"}
    resolver = resolver_for(server, auth=auth)
    assert canary == value(resolver, NAME)
    server.rotate_api_key("alice")
    server.revoke_tokens()

    assert canary == value(resolver, NAME)


def test_a_newline_after_the_key_is_not_sent(server: ConjurServer, canary: str) -> None:
    auth = {"method": "api_key", "login": "alice", "api_key": server.api_key("alice") + "\n"}

    assert canary == value(resolver_for(server, auth=auth), NAME)


def test_a_credential_that_is_not_there_is_told_as_it_is(server: ConjurServer) -> None:
    def missing() -> str:
        raise ConfigError("env://NOPE is not set")

    auth = {"method": "api_key", "login": "alice", "api_key": missing}

    with pytest.raises(ConfigError, match="env://NOPE is not set"):
        read(resolver_for(server, auth=auth), NAME)
    assert [] == server.requests


def test_a_variable_that_vanished_is_told_at_the_login(
    server: ConjurServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONJUR_AUTHN_LOGIN", "alice")
    monkeypatch.setenv("CONJUR_AUTHN_API_KEY", "x")
    resolver = resolver_for(server, auth=None)
    monkeypatch.delenv("CONJUR_AUTHN_API_KEY")

    with pytest.raises(ConfigError, match="CONJUR_AUTHN_API_KEY"):
        read(resolver, NAME)


def test_a_credential_that_raises_anything_else_leaves_the_next_read_free(
    server: ConjurServer, canary: str
) -> None:
    keys: list[Any] = [OSError("gone"), server.api_key("alice")]

    def key() -> str:
        found = keys.pop(0)
        if isinstance(found, OSError):
            raise found
        return str(found)

    resolver = resolver_for(server, auth={"method": "api_key", "login": "alice", "api_key": key})
    with pytest.raises(OSError, match="gone"):
        read(resolver, NAME)

    assert canary == value(resolver, NAME)


def test_a_token_is_renewed_at_two_thirds_of_its_life(
    server: ConjurServer, resolver: ConjurResolver, clock: SteppingClock
) -> None:
    server.token_life = 3
    value(resolver, NAME)
    clock.ahead = 1.8
    value(resolver, NAME)
    assert 1 == server.count("authenticate")
    clock.ahead = 2.01
    value(resolver, NAME)
    value(resolver, NAME)
    assert 2 == server.count("authenticate")


def test_one_reader_renews_and_the_others_go_on(
    server: ConjurServer, resolver: ConjurResolver, clock: SteppingClock
) -> None:
    value(resolver, NAME)
    clock.ahead = 400
    server.delay = 0.05

    at_once(16, lambda: read(resolver, NAME))

    assert 2 == server.count("authenticate")


@pytest.mark.parametrize("fault", ["status:500", "close", "html200", "status:429:Retry-After=1"])
def test_while_the_login_is_down_a_good_token_is_used(
    server: ConjurServer, resolver: ConjurResolver, clock: SteppingClock, canary: str, fault: str
) -> None:
    value(resolver, NAME)
    server.fault(fault, times=100, match="authenticate")
    clock.ahead = 400

    for _ in range(5):
        assert canary == value(resolver, NAME)
    assert 2 == server.count("authenticate")
    clock.ahead = 412
    assert canary == value(resolver, NAME)
    assert 3 == server.count("authenticate")


def test_a_login_that_hangs_takes_a_part_of_the_time_only(
    server: ConjurServer, resolver: ConjurResolver, clock: SteppingClock, canary: str
) -> None:
    value(resolver, NAME)
    server.fault("hang", match="authenticate")
    clock.ahead = 400

    assert canary == value(resolver, NAME, seconds=1)


def test_past_its_end_a_token_is_not_used(
    server: ConjurServer, resolver: ConjurResolver, clock: SteppingClock
) -> None:
    value(resolver, NAME)
    server.fault("status:500", times=100, match="authenticate")
    clock.ahead = 481

    with pytest.raises(BackendUnavailable) as caught:
        read(resolver, NAME)
    assert Reason.SERVER is caught.value.reason
    assert 1 == server.count("read")


def test_a_token_that_ran_out_early_on_the_server_is_replaced(
    server: ConjurServer, resolver: ConjurResolver, canary: str
) -> None:
    value(resolver, NAME)
    server.advance(481)

    assert canary == value(resolver, NAME)
    assert 2 == server.count("authenticate")


def test_a_wall_clock_that_differs_changes_nothing(
    server: ConjurServer, resolver: ConjurResolver, canary: str
) -> None:
    server.advance(-7200)

    for _ in range(3):
        assert canary == value(resolver, NAME)
    assert 1 == server.count("authenticate")


@pytest.mark.parametrize(
    "fault", ["html200", "204", "login-not-a-token", "status:201", "empty404", "truncated"]
)
def test_an_answer_to_a_login_without_a_token_is_invalid(
    server: ConjurServer, resolver: ConjurResolver, fault: str
) -> None:
    server.fault(fault, times=2, match="authenticate")

    with pytest.raises(InvalidResponse):
        read(resolver, NAME)
    assert (2, 0) == (server.count("authenticate"), server.count("read"))


@pytest.mark.parametrize(
    "body", [b"", b"null", b"{}", b"[]", b"e30=", b"W10=", b"\xff", b"a b", b'"\n"', b"{" * 2000]
)
def test_a_body_that_is_no_token_is_invalid(body: bytes) -> None:
    found = token_of(Reply(status=200, headers={}, body=body), REQUEST, asked_at=0)

    assert isinstance(found, InvalidResponse)


def test_the_life_of_a_token_is_its_own() -> None:
    assert 3 == life_of(base64.b64encode(token_json(iat=1795490893, exp=1795490896)))


def test_a_token_in_json_is_taken_too() -> None:
    assert 3 == life_of(token_json(iat=1795490893, exp=1795490896))


@pytest.mark.parametrize("claims", [{}, {"iat": 5}, {"exp": 5}, {"iat": 5, "exp": 5}, {"iat": 9, "exp": 5}])
def test_a_token_that_does_not_tell_lives_for_conjurs_default(claims: dict[str, float]) -> None:
    assert DEFAULT_LIFE == life_of(token_json(**claims))


def test_a_login_works_inside_a_running_loop_and_leaves_it_alone(
    resolver: ConjurResolver, canary: str
) -> None:
    async def inside() -> tuple[object, bool]:
        loop = asyncio.get_running_loop()
        found = value(resolver, NAME)
        await asyncio.sleep(0)
        return found, loop is asyncio.get_running_loop()

    assert (canary, True) == asyncio.run(inside())


def test_two_logins_at_most_are_made_for_a_read(faulty: FaultyServer) -> None:
    faulty.answer(body=token_body(), path="/authn/demo/alice/authenticate")
    faulty.answer(401)

    with pytest.raises(AccessDenied):
        read(resolver_at(faulty.url), NAME)
    assert 2 == sum(request.method == "POST" for request in faulty.requests)
