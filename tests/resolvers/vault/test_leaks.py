"""Neither value, token nor secret id is in any error, traceback with local variables, repr or log."""

from __future__ import annotations

import json
import logging
import secrets
import traceback
from collections.abc import Callable, Iterator

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import ResolverError, SecretSourceError
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.support import (
    JSON,
    KV2,
    LOGIN,
    LOOK_UP,
    READ,
    no_environment,
    quick_retries,
    read,
)
from tests.servers.faulty import FaultyServer
from tests.servers.openbao import OpenBao

__all__ = ["no_environment", "quick_retries"]


class Canaries:
    """Holds what must not be seen; not even in the frames of the test."""

    def __init__(self) -> None:
        self.role_id, self.secret_id, self.token, self.value = (secrets.token_hex(16) for _ in range(4))

    def seen_in(self, text: str) -> list[str]:
        """Return the names of those that stand in *text*."""
        return [name for name, canary in vars(self).items() if canary in text]

    def __repr__(self) -> str:
        return "Canaries()"


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def server(canaries: Canaries) -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        server.answer(200, JSON, KV2, path=LOOK_UP)
        server.answer(200, JSON, _login(canaries), path=LOGIN)
        server.answer(200, JSON, _document(canaries), path=READ)
        yield server


def _login(canaries: Canaries) -> str:
    return json.dumps({"auth": {"client_token": canaries.token, "lease_duration": 60}})


def _document(canaries: Canaries) -> str:
    return json.dumps({"data": {"data": {"key": canaries.value}, "metadata": {"version": 1}}})


def _echo(canaries: Canaries) -> str:
    """Return a body that tells all there is to hide, as a talkative proxy would."""
    return json.dumps(
        {"errors": [canaries.value, canaries.token, canaries.secret_id], "data": vars(canaries)}
    )


def _approle(address: str, canaries: Canaries) -> VaultResolver:
    auth = {"method": "approle", "role_id": canaries.role_id, "secret_id": canaries.secret_id}
    return VaultResolver(address=address, auth=auth)


def _all_that_shows(error: BaseException) -> str:
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    return "\n".join([str(error), repr(error), repr(vars(error)), told])


FAULTS: dict[str, Callable[[FaultyServer, Canaries, str], None]] = {
    **{
        f"HTTP {status}": lambda server, canaries, path, status=status: server.answer(
            status,
            JSON | {"Location": f"http://{canaries.token}@h/{canaries.value}"},
            _echo(canaries),
            path=path,
        )
        for status in (200, 201, 301, 307, 400, 401, 403, 404, 412, 429, 473, 500, 503)
    },
    "HTML": lambda server, canaries, path: server.answer(body=f"<p>{canaries.value}", path=path),
    "cut": lambda server, canaries, path: server.answer(body=_echo(canaries), truncate_to=90, path=path),
    "closed": lambda server, canaries, path: server.answer(close=True, path=path),
    "hang": lambda server, canaries, path: server.answer(delay=5, path=path),
    "drip": lambda server, canaries, path: server.answer(
        body=_echo(canaries), drip=0.001, truncate_to=90, path=path
    ),
    "too long": lambda server, canaries, path: server.answer(
        body=_echo(canaries) + "x" * 2_000_000, path=path
    ),
    "no text": lambda server, canaries, path: server.answer(
        body=canaries.value.encode() + b"\xff", path=path
    ),
    "odd token": lambda server, canaries, path: server.answer(
        body=json.dumps({"auth": {"client_token": f"{canaries.token} {canaries.value}"}}), path=path
    ),
}


@pytest.mark.parametrize("path", [LOOK_UP, LOGIN, READ])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_shows_a_secret(
    server: FaultyServer, canaries: Canaries, fault: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    FAULTS[fault](server, canaries, path)
    vault = _approle(server.url, canaries)
    with caplog.at_level(logging.DEBUG), pytest.raises(ResolverError) as caught:
        read(vault, "app/key", timeout=0.4)
    error = caught.value
    assert (None, None) == (error.__cause__, error.__context__)
    assert [] == canaries.seen_in(_all_that_shows(error))
    assert [] == canaries.seen_in(_all_that_shows(error.copy(name="app/key")))
    assert [] == canaries.seen_in(repr(vault) + "\n".join(map(str, map(vars, caplog.records))))


@pytest.mark.parametrize("ending", ["", " more", "\nX-Other: y", "\x00", "ä"])
def test_no_token_that_is_given_is_shown(server: FaultyServer, canaries: Canaries, ending: str) -> None:
    server.answer(403, JSON, _echo(canaries), path=READ)
    auth = {"method": "token", "token": lambda: canaries.token + ending}
    with pytest.raises(ResolverError) as caught:
        read(VaultResolver(address=server.url, auth=auth), "app/key")
    assert [] == canaries.seen_in(_all_that_shows(caught.value))


def test_a_token_in_the_environment_is_not_shown(
    server: FaultyServer, canaries: Canaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", canaries.token)
    server.answer(403, JSON, _echo(canaries), path=READ)
    with pytest.raises(ResolverError) as caught:
        read(VaultResolver(address=server.url), "app/key")
    assert [] == canaries.seen_in(_all_that_shows(caught.value))


def test_a_secret_that_is_read_is_not_logged(
    server: FaultyServer,
    canaries: Canaries,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    vault = _approle(server.url, canaries)
    with caplog.at_level(logging.DEBUG):
        assert canaries.value == read(vault, "app/key")
    assert any("secret/data/app" in record.getMessage() for record in caplog.records)
    assert [] == canaries.seen_in(
        "\n".join(map(str, map(vars, caplog.records))) + "".join(capfd.readouterr())
    )


def test_the_client_that_is_kept_shows_nothing(server: FaultyServer, canaries: Canaries) -> None:
    vault = _approle(server.url, canaries)
    read(vault, "app/key")
    client = vault._client.get()
    kept = [
        vault,
        vault._method,
        client,
        client.tokens,
        client.tokens._token,
        client.transport,
        client.mounts,
        client.leases,
    ]
    assert [] == canaries.seen_in(repr(kept))
    assert [] == canaries.seen_in(repr(vault.fetch(vault.locate("app/key"), Deadline(5))))


def test_a_secret_in_a_frame_would_be_seen(canaries: Canaries) -> None:
    def careless() -> None:
        local = canaries.value + canaries.token
        raise ResolverError(local[:0])

    with pytest.raises(ResolverError) as caught:
        careless()
    assert ["token", "value"] == canaries.seen_in(_all_that_shows(caught.value))


def test_a_real_server_that_refuses_shows_nothing(
    canaries: Canaries, caplog: pytest.LogCaptureFixture
) -> None:
    with OpenBao() as bao, caplog.at_level(logging.DEBUG):
        bao.put("secret", "app", {"key": canaries.value})
        canaries.role_id, canaries.secret_id = bao.approle("r", ["default"])
        for vault in (
            _approle(bao.url, canaries),
            VaultResolver(address=bao.url, auth={"method": "token", "token": canaries.token}),
        ):
            with pytest.raises(SecretSourceError) as caught:
                read(vault, "app/key")
            assert [] == canaries.seen_in(_all_that_shows(caught.value))
    assert [] == canaries.seen_in("\n".join(map(str, map(vars, caplog.records))))
