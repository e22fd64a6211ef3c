"""What the Vault resolver makes of answers: statuses, bodies, redirects."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable

import pytest

from secretsource import Secret, Store
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    InvalidResponse,
    Reason,
    ResolverError,
)
from secretsource.resolvers import Document, NotThere
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.support import (
    APPROLE,
    GOOD,
    JSON,
    LOGIN,
    LOOK_UP,
    READ,
    asked,
    fetch,
    no_environment,
    play_vault,
    quick_retries,
    read,
    resolver_of,
    server,
    vault,
)
from tests.servers.faulty import FaultyServer

__all__ = ["no_environment", "quick_retries", "server", "vault"]


# Statuses on the wire


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (201, InvalidResponse, "broken"),
        (204, InvalidResponse, "broken"),
        (206, InvalidResponse, "broken"),
        (304, InvalidResponse, "broken"),
        (400, InvalidResponse, "broken"),
        (401, AccessDenied, "denied"),
        (403, AccessDenied, "denied"),
        (404, InvalidResponse, "broken"),
        (405, InvalidResponse, "broken"),
        (412, BackendUnavailable, "server"),
        (429, BackendUnavailable, "throttled"),
        (472, BackendUnavailable, "sealed"),
        (473, BackendUnavailable, "sealed"),
        (500, BackendUnavailable, "server"),
        (502, BackendUnavailable, "server"),
        (503, BackendUnavailable, "server"),
        (504, BackendUnavailable, "server"),
    ],
)
def test_a_status_of_a_read(
    server: FaultyServer, vault: VaultResolver, status: int, kind: type[ResolverError], reason: str
) -> None:
    server.answer(status, path=READ)
    with pytest.raises(kind, match=f"HTTP {status} from 127.0.0.1:{server.port}") as caught:
        read(vault, "app/key")
    assert (kind, reason, "secret/app#key") == (
        type(caught.value),
        caught.value.reason,
        caught.value.location,
    )
    assert {AccessDenied: 1, InvalidResponse: 2, BackendUnavailable: 3}[kind] == asked(server, READ)


@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [
        (204, InvalidResponse, 2),
        (400, AccessDenied, 1),
        (401, AccessDenied, 1),
        (403, AccessDenied, 1),
        (404, InvalidResponse, 2),
        (429, BackendUnavailable, 3),
        (500, BackendUnavailable, 3),
        (503, BackendUnavailable, 3),
    ],
)
def test_a_status_of_a_login(
    server: FaultyServer, status: int, kind: type[ResolverError], attempts: int
) -> None:
    server.answer(status, path=LOGIN)
    with pytest.raises(kind, match=f"HTTP {status} .* on login"):
        read(resolver_of(server, auth=APPROLE), "app/key")
    assert attempts == len(server.requests)


@pytest.mark.parametrize("status", [403, 500, 301, 404, 204])
def test_a_status_of_a_mount_look_up(server: FaultyServer, vault: VaultResolver, status: int) -> None:
    server.answer(status, path=LOOK_UP)
    with pytest.raises(ResolverError, match=f"HTTP {status}"):
        read(vault, "app/key")
    assert 0 == asked(server, READ)


def test_a_503_in_vaults_own_words_is_sealed(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(503, JSON, '{"errors": ["OpenBao is sealed"]}', path=READ)
    with pytest.raises(BackendUnavailable, match="sealed") as caught:
        read(vault, "app/key")
    assert Reason.SEALED == caught.value.reason


def test_passing_trouble_is_asked_again(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(412, times=1, path=READ)
    server.answer(503, times=1, path=READ)
    assert "good" == read(vault, "app/key")
    assert 3 == asked(server, READ)


def _reads(store: Store) -> list[Callable[[], Secret]]:
    """Return how a store is read: by a thread, and by a coroutine."""
    return [
        lambda: store.get("app/key", refresh=True),
        lambda: asyncio.run(store.aget("app/key", refresh=True)),
    ]


def test_a_node_that_lags_behind_is_asked_again_for_threads_and_coroutines(
    server: FaultyServer, vault: VaultResolver
) -> None:
    with Store([vault]) as store:
        for get in _reads(store):
            server.answer(412, times=2, path=READ)
            assert "good" == get().value


@pytest.mark.parametrize("status", [472, 473])
def test_a_node_in_standby_is_unavailable_for_threads_and_coroutines(
    server: FaultyServer, vault: VaultResolver, status: int
) -> None:
    with Store([vault]) as store:
        for get in _reads(store):
            server.answer(status, times=3, path=READ)
            with pytest.raises(BackendUnavailable, match=f"HTTP {status}") as caught:
                get()
            assert Reason.SEALED == caught.value.reason


# Not there, or not Vault


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>not found</html>",
        "{}",
        "[]",
        '{"errors": ["no handler for route"]}',
        '{"error": "x"}',
        "null",
        "{",
        '{"data": null}',
        '{"data": {"data": null}}',
        '{"data": {"data": null, "metadata": {}}}',
        '{"errors": null}',
    ],
)
def test_a_404_that_is_not_vaults_own_is_no_missing_secret(
    server: FaultyServer, vault: VaultResolver, body: str
) -> None:
    server.answer(404, JSON, body, path=READ)
    with pytest.raises(InvalidResponse, match="HTTP 404"):
        read(vault, "app/key")


def test_a_404_in_vaults_own_words_is_a_missing_secret(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(404, JSON, '{"errors": []}', path=READ)
    assert NotThere(Reason.MISSING) == read(vault, "app/key")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>hello</html>",
        "{}",
        "[]",
        "null",
        "{",
        "\0",
        '{"data": null}',
        '{"data": []}',
        '{"data": {"data": null}}',
        '{"data": {"data": "text"}}',
        '{"data": {"key": "flat"}}',
        "[" * 100_000,
        '{"data": {"data": {"key": NaN}}}',
    ],
)
def test_a_200_without_a_document_is_broken(server: FaultyServer, vault: VaultResolver, body: str) -> None:
    server.answer(200, {"Content-Type": "text/html"}, body, path=READ)
    with pytest.raises(InvalidResponse, match="holds no document"):
        read(vault, "app/key")
    assert 2 == asked(server, READ)


@pytest.mark.parametrize(
    "body",
    ["", "<html></html>", "{}", '{"data": {}}', '{"data": {"path": 1}}', '{"data": {"path": "secret/"}}'],
)
def test_a_mount_look_up_without_an_answer_is_broken(
    server: FaultyServer, vault: VaultResolver, body: str
) -> None:
    server.answer(200, JSON, body, path=LOOK_UP)
    with pytest.raises(InvalidResponse, match="mount"):
        read(vault, "app/key")


@pytest.mark.parametrize("version", ["3", "x", 0, None])
def test_an_unknown_kv_version_is_broken(server: FaultyServer, vault: VaultResolver, version: object) -> None:
    data = {"path": "secret/", "type": "kv", "options": {"version": version}}
    server.answer(200, JSON, json.dumps({"data": data}), path=LOOK_UP)
    with pytest.raises(InvalidResponse, match="version 1 or 2"):
        read(vault, "app/key")


def test_a_mount_that_does_not_hold_the_path_is_not_believed(
    server: FaultyServer, vault: VaultResolver
) -> None:
    data = {"path": "sys/", "type": "kv", "options": {"version": "1"}}
    server.answer(200, JSON, json.dumps({"data": data}), path=LOOK_UP)
    with pytest.raises(InvalidResponse, match="mount"):
        read(vault, "app/key")


def test_a_server_too_old_to_look_up_a_mount_is_read_as_version_1(
    server: FaultyServer, vault: VaultResolver
) -> None:
    server.answer(404, JSON, '{"errors": []}', path=LOOK_UP)
    server.answer(200, JSON, '{"data": {"key": "old"}}', path="/v1/secret/app")
    assert "old" == read(vault, "app/key")


def test_numbers_of_version_1_keep_their_text(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(404, JSON, '{"errors": []}', path=LOOK_UP)
    server.answer(
        200, JSON, '{"data": {"a": 1.10, "b": 12345678901234567890, "c": 1e2}}', path="/v1/secret/app"
    )
    document = fetch(vault, "app", document=True)
    assert isinstance(document, Document)
    assert {"a": "1.10", "b": "12345678901234567890", "c": "1e2"} == dict(document.fields)


@pytest.mark.parametrize("token", [None, "", 5, "two words", "line\nbreak"])
def test_a_login_without_a_token_is_broken(server: FaultyServer, token: object) -> None:
    server.answer(200, JSON, json.dumps({"auth": {"client_token": token}}), path=LOGIN)
    with pytest.raises(InvalidResponse, match="holds no token"):
        read(resolver_of(server, auth=APPROLE), "app/key")
    server.answer(200, JSON, json.dumps({"data": {}}), path=LOGIN)
    with pytest.raises(InvalidResponse, match="holds no token"):
        read(resolver_of(server, auth=APPROLE), "app/key")


# Bodies


@pytest.mark.parametrize("kept", [0, 1, 30])
def test_a_body_shorter_than_announced_is_broken(
    server: FaultyServer, vault: VaultResolver, kept: int
) -> None:
    server.answer(200, JSON, GOOD, truncate_to=kept, path=READ)
    with pytest.raises(InvalidResponse):
        read(vault, "app/key")
    assert 2 == asked(server, READ)


def test_a_chunked_body_that_is_cut_is_broken(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(200, {"Transfer-Encoding": "chunked"}, GOOD, truncate_to=20, path=READ)
    with pytest.raises(InvalidResponse):
        read(vault, "app/key")


def test_a_body_without_a_length_is_read_to_its_end(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(200, {"Content-Length": None}, GOOD, path=READ)
    assert "good" == read(vault, "app/key")


def test_a_body_of_ten_megabytes_is_not_read_whole(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(200, JSON, b"x" * 10_000_000, path=READ)
    with pytest.raises(InvalidResponse, match="more than"):
        read(vault, "app/key")


def test_a_value_of_one_megabyte_comes_whole(server: FaultyServer, vault: VaultResolver) -> None:
    value = secrets.token_hex(524_288)
    server.answer(200, JSON, json.dumps({"data": {"data": {"key": value}, "metadata": {}}}), path=READ)
    assert value == read(vault, "app/key")


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", [LOGIN, LOOK_UP, READ])
def test_no_redirect_is_followed(server: FaultyServer, status: int, path: str) -> None:
    with FaultyServer() as other:
        play_vault(other)
        server.answer(status, {"Location": f"http://localhost:{other.port}{path}?token=s.given"}, path=path)
        with pytest.raises(
            InvalidResponse, match=f"redirect to http://localhost:{other.port} not followed"
        ) as caught:
            read(resolver_of(server, auth=APPROLE), "app/key")
        assert ([], 0) == (other.requests, other.connections)
        assert "s.given" not in str(caught.value)


@pytest.mark.parametrize(
    "target", ["/v1/x", "//[bad", "javascript:alert(1)", "http://a\x1b[31m/", "http://h:port/", ""]
)
def test_a_redirect_to_no_host_is_not_shown(server: FaultyServer, vault: VaultResolver, target: str) -> None:
    server.answer(307, {"Location": target}, path=READ)
    with pytest.raises(InvalidResponse) as caught:
        read(vault, "app/key")
    assert caught.value.detail.startswith(f"HTTP 307 from 127.0.0.1:{server.port}")
    assert "//" not in caught.value.detail
    assert "\x1b" not in caught.value.detail
