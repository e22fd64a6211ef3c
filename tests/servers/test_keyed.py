"""The service that changes its key takes the right ones, and counts the others."""

from __future__ import annotations

import base64
import http.client
import secrets
import threading
from collections.abc import Iterator

import pytest

from tests.servers._http import request
from tests.servers._process import LOOPBACK
from tests.servers.keyed import KeyedServer
from tests.servers.pepipost import fingerprint


@pytest.fixture
def key() -> str:
    return secrets.token_hex(8)


@pytest.fixture
def server(key: str) -> Iterator[KeyedServer]:
    with KeyedServer(key) as service:
        yield service


def status(server: KeyedServer, key: str) -> int:
    return request("GET", server.url, headers={"api_key": key}).status


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "Basic", "api_key"])
def test_the_key_is_taken_in_each_of_its_places(server: KeyedServer, key: str, scheme: str) -> None:
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    headers = {"api_key": key}
    if scheme != "api_key":
        headers = {"Authorization": f"{scheme} {basic if scheme == 'Basic' else key}"}

    answer = request("POST", server.url + "/mail?x=1", headers=headers, body={})

    assert (200, fingerprint(key), 2) == (answer.status, answer.body["key"], answer.body["length"])
    assert ("POST", "/mail?x=1", fingerprint(key), b"{}", None) == server.seen[0]
    assert key not in repr(server.seen)


def test_a_missing_or_wrong_key_is_refused_and_counted(server: KeyedServer) -> None:
    assert [401, 401] == [request("GET", server.url).status, status(server, "wrong")]
    assert (0, 2) == (server.served, server.refused)
    server.refuses_with = 403
    assert 403 == status(server, "wrong")


def test_a_rotation_refuses_the_old_key_at_once(server: KeyedServer, key: str) -> None:
    server.rotate("new")

    assert [401, 200] == [status(server, key), status(server, "new")]


def test_both_keys_are_good_in_an_overlap_until_its_end(server: KeyedServer, key: str) -> None:
    server.rotate("new", overlap=True)

    assert [200, 200] == [status(server, key), status(server, "new")]
    server.end_overlap()
    assert [401, 200] == [status(server, key), status(server, "new")]


def test_a_redirect_goes_where_the_query_says(server: KeyedServer) -> None:
    server.redirects_with = 307
    assert 307 == request("GET", f"{server.url}/to?{server.url}/mail").status


def test_a_stream_comes_in_pieces(server: KeyedServer, key: str) -> None:
    assert "0123456789" == request("GET", server.url + "/stream", headers={"api_key": key}).body


def test_it_is_unavailable_as_often_as_it_is_told(server: KeyedServer, key: str) -> None:
    server.unavailable = 1
    assert [503, 200] == [status(server, key), status(server, key)]


def test_hundreds_of_clients_keep_their_connections(server: KeyedServer, key: str) -> None:
    every = threading.Barrier(216)
    said: list[int] = []

    def client() -> None:
        connection = http.client.HTTPConnection(LOOPBACK, int(server.url.rpartition(":")[2]), timeout=20)
        connection.connect()
        every.wait(20)
        for _ in range(2):
            connection.request("GET", "/", headers={"api_key": key})
            with connection.getresponse() as response:
                response.read()
                said.append(response.status)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(216)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [200] * 432 == said
    assert (216, 432) == (server.connections, server.served)
