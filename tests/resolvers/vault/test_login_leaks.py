"""No credential of any method to log in is in an error, a traceback with local variables, a repr or a log."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Iterator

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import SecretSourceError
from secretsource.resolvers.vault import VaultResolver
from tests.fakes import FakeClock
from tests.resolvers.vault.logins import clock
from tests.resolvers.vault.support import (
    JSON,
    KV2,
    LOOK_UP,
    READ,
    no_environment,
    quick_retries,
    read,
)
from tests.resolvers.vault.test_leaks import FAULTS, Canaries, _all_that_shows
from tests.servers.faulty import FaultyServer

__all__ = ["clock", "no_environment", "quick_retries"]

USER = "/v1/auth/{}/login/bob"
PLAIN = "/v1/auth/{}/login"
WRAPPING = ("/v1/sys/wrapping/lookup", "/v1/sys/wrapping/unwrap")
RENEW = "/v1/auth/token/renew-self"
LOOK_UP_SELF = "/v1/auth/token/lookup-self"


class More(Canaries):
    """Credentials of all methods."""

    def __init__(self) -> None:
        super().__init__()
        self.password, self.jwt, self.wrapping, self.key, self.session = (
            secrets.token_hex(16) for _ in range(5)
        )


METHODS: dict[str, tuple[str, Callable[[More], dict[str, object]]]] = {
    "userpass": (USER, lambda canaries: {"username": "bob", "password": canaries.password}),
    "ldap": (USER, lambda canaries: {"username": "bob", "password": lambda: canaries.password}),
    "jwt": (PLAIN, lambda canaries: {"jwt": lambda: canaries.jwt}),
    "oidc": (PLAIN, lambda canaries: {"jwt": canaries.jwt, "role": "r"}),
    "kubernetes": (PLAIN, lambda canaries: {"jwt": canaries.jwt, "role": "r"}),
    "aws": (PLAIN, lambda _canaries: {"role": "r"}),
}


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch) -> More:
    canaries = More()
    for name, value in (
        ("ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("SECRET_ACCESS_KEY", canaries.key),
        ("SESSION_TOKEN", canaries.session),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    return canaries


@pytest.fixture
def server(canaries: More) -> Iterator[FaultyServer]:
    logged_in = {"auth": {"client_token": canaries.token, "lease_duration": 60, "renewable": True}}
    document = {"data": {"data": {"key": canaries.value}, "metadata": {"version": 1}}}
    paths = [path.format(method) for method, (path, _) in METHODS.items()]
    made_by = {"data": {"creation_path": "auth/approle/role/r/secret-id"}}
    with FaultyServer() as server:
        for path in (*paths, "/v1/auth/approle/login", RENEW):
            server.answer(200, JSON, json.dumps(logged_in), path=path)
        server.answer(200, JSON, KV2, path=LOOK_UP)
        server.answer(200, JSON, json.dumps(document), path=READ)
        server.answer(200, JSON, json.dumps(made_by), path=WRAPPING[0])
        server.answer(200, JSON, json.dumps({"data": {"secret_id": canaries.secret_id}}), path=WRAPPING[1])
        yield server


def _resolver(server: FaultyServer, method: str, canaries: More) -> VaultResolver:
    return VaultResolver(address=server.url, auth={"method": method} | METHODS[method][1](canaries))


def _wrapped(server: FaultyServer, canaries: More) -> VaultResolver:
    auth = {"method": "approle", "role_id": canaries.role_id, "secret_id": canaries.wrapping}
    return VaultResolver(address=server.url, auth=auth | {"secret_id_wrapped": True})


def _fails_silently(vault: VaultResolver, canaries: More, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(SecretSourceError) as caught:
        read(vault, "app/key", timeout=0.2)
    error = caught.value
    assert (None, None) == (error.__cause__, error.__context__)
    assert [] == canaries.seen_in(_all_that_shows(error))
    _shows_nothing(vault, canaries, caplog)


def _shows_nothing(vault: VaultResolver, canaries: More, caplog: pytest.LogCaptureFixture) -> None:
    client = vault._client.get()
    kept = [vault, vault._method, client, client.tokens, client.tokens._token, client.transport]
    assert [] == canaries.seen_in(repr(kept) + "\n".join(map(str, map(vars, caplog.records))))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_login_that_fails_shows_nothing(
    server: FaultyServer, canaries: More, method: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    FAULTS[fault](server, canaries, METHODS[method][0].format(method))
    _fails_silently(_resolver(server, method, canaries), canaries, caplog)


@pytest.mark.parametrize("path", WRAPPING)
@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"HTTP 200"}))  # which holds a secret id
def test_a_wrapping_token_that_cannot_be_opened_shows_nothing(
    server: FaultyServer, canaries: More, fault: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    FAULTS[fault](server, canaries, path)
    _fails_silently(_wrapped(server, canaries), canaries, caplog)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_renewal_or_a_check_that_fails_shows_nothing(
    server: FaultyServer, canaries: More, clock: FakeClock, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (RENEW, LOOK_UP_SELF):
        FAULTS[fault](server, canaries, path)
    vault = _resolver(server, "userpass", canaries)
    with caplog.at_level(logging.DEBUG):
        assert canaries.value == read(vault, "app/key")
        clock.now += 41
        assert canaries.value == read(vault, "app/key", timeout=1)
        with pytest.raises(SecretSourceError) as caught:
            vault.check(Deadline(0.2))
    assert [] == canaries.seen_in(_all_that_shows(caught.value))
    _shows_nothing(vault, canaries, caplog)


@pytest.mark.parametrize("method", METHODS)
def test_a_login_that_succeeds_is_not_logged(
    server: FaultyServer, canaries: More, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    vault = _resolver(server, method, canaries)
    with caplog.at_level(logging.DEBUG):
        assert canaries.value == read(vault, "app/key")
    _shows_nothing(vault, canaries, caplog)


def test_a_secret_id_that_was_unwrapped_is_not_shown(
    server: FaultyServer, canaries: More, caplog: pytest.LogCaptureFixture
) -> None:
    vault = _wrapped(server, canaries)
    with caplog.at_level(logging.DEBUG):
        assert canaries.value == read(vault, "app/key")
    assert canaries.secret_id == vault._method._opened[1]
    _shows_nothing(vault, canaries, caplog)
