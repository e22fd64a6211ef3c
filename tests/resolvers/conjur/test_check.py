"""Who Conjur takes us for, and what a policy must allow."""

from __future__ import annotations

from typing import Any

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, BackendUnavailable, InvalidResponse
from secretsource.resolvers import SupportsCheck, SupportsPolicy
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.conftest import SteppingClock
from tests.resolvers.conjur.support import resolver_at, resolver_for, token_body, value
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer


def policy(resolver: ConjurResolver, *names: str, **asked: Any) -> str:
    return resolver.policy_for([resolver.locate(name, **asked) for name in names])


def test_it_can_be_checked_and_knows_its_policy(resolver: ConjurResolver) -> None:
    assert isinstance(resolver, SupportsCheck)
    assert isinstance(resolver, SupportsPolicy)


@pytest.mark.parametrize("login", ["alice", "host/app/web"])
def test_it_says_who_is_logged_in_and_where(server: ConjurServer, login: str) -> None:
    health = resolver_for(server, login).check(Deadline(5))

    assert (f"{login}@demo", f"{server.url.removeprefix('http://')} has answered") == (
        health.identity,
        health.detail,
    )


def test_it_says_how_long_the_token_lives(
    server: ConjurServer, resolver: ConjurResolver, clock: SteppingClock
) -> None:
    assert pytest.approx(480, abs=2) == resolver.check(Deadline(5)).expires_in
    clock.ahead = 100
    assert pytest.approx(380, abs=2) == resolver.check(Deadline(5)).expires_in


def test_it_reads_no_secret(server: ConjurServer, resolver: ConjurResolver) -> None:
    resolver.check(Deadline(5))

    assert ["/authn/demo/alice/authenticate", "/whoami"] == [target for _, target in server.requests]


def test_a_refused_login_is_a_denial(server: ConjurServer) -> None:
    auth = {"method": "api_key", "login": "alice", "api_key": "x"}

    with pytest.raises(AccessDenied, match="wrong key") as caught:
        resolver_for(server, auth=auth).check(Deadline(5))
    assert ("conjur", "demo") == (caught.value.resolver, caught.value.location)


def test_a_database_that_is_down_is_unavailable(server: ConjurServer, resolver: ConjurResolver) -> None:
    server.database_down = True

    with pytest.raises(BackendUnavailable, match="HTTP 500"):
        resolver.check(Deadline(5))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"username": 5, "account": "demo"}', b"<html>"])
def test_an_answer_that_names_nobody_is_invalid(faulty: FaultyServer, body: bytes) -> None:
    faulty.answer(body=token_body(), path="/authn/demo/alice/authenticate")
    faulty.answer(body=body, path="/whoami")

    with pytest.raises(InvalidResponse, match="it does not say who we are"):
        resolver_at(faulty.url).check(Deadline(5))


def test_the_policy_names_who_reads_and_what(server: ConjurServer) -> None:
    resolver = resolver_for(server, "host/app/web", prefix="prod/")

    assert (
        "# conjur policy load -b root -f FILE.yml\n"
        "- !permit\n"
        "  role: !host app/web\n"
        "  privileges: [read, execute]\n"
        "  resource:\n"
        "    - !variable prod/pepipost/api_key\n"
        '    - !variable "lob/My Account/p@ss: é"\n'
    ) == policy(
        resolver,
        "pepipost/api_key",
        "conjur://prod/pepipost/api_key?version=3",
        "conjur://lob/My%20Account/p%40ss%3A%20%C3%A9",
    )


def test_a_user_is_no_host(resolver: ConjurResolver) -> None:
    assert "  role: !user alice\n" in policy(resolver, "x")


def test_of_a_path_the_operator_names_the_variables(resolver: ConjurResolver) -> None:
    assert "    - !variable db/primary/NAME\n" in policy(resolver, "db/primary", document=True)


def test_who_is_not_known_without_a_credential_stands_there_in_capitals(server: ConjurServer) -> None:
    auth = {"method": "jwt", "service_id": "ci", "jwt": "x"}

    assert "  role: !host LOGIN\n" in policy(resolver_for(server, auth=auth), "x")


def test_the_login_of_the_variables_is_known(server: ConjurServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONJUR_AUTHN_LOGIN", "host/app/web")
    monkeypatch.setenv("CONJUR_AUTHN_API_KEY", "x")

    assert "  role: !host app/web\n" in policy(resolver_for(server, auth=None), "x")


def test_nothing_to_read_needs_nothing(resolver: ConjurResolver) -> None:
    assert "  resource: []\n" in policy(resolver)


def test_conjur_takes_the_policy_and_then_lets_it_be_read(server: ConjurServer) -> None:
    server.add_variable("lob/My Account/key", b"one")
    resolver = resolver_for(server, "host/app/web")
    name = "conjur://lob/My%20Account/key"
    server.load_policy(policy(resolver, name))

    assert "one" == value(resolver, name)
