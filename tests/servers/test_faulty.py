"""The programmable server does what it is told."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Iterator

import pytest
import trustme

from tests.servers.faulty import FaultyServer


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        yield server


@pytest.fixture
def connection(server: FaultyServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    yield connection
    connection.close()


def _get(connection: http.client.HTTPConnection, path: str = "/", method: str = "GET") -> tuple[int, bytes]:
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read()


def test_one_connection_serves_many_requests(
    server: FaultyServer, connection: http.client.HTTPConnection
) -> None:
    server.answer(body=b"yes")
    assert [(200, b"yes")] * 3 == [_get(connection) for _ in range(3)]
    assert 1 == server.connections


def test_counted_answers_come_in_order_before_the_standing_one(
    server: FaultyServer, connection: http.client.HTTPConnection
) -> None:
    server.answer(200, body=b"at last")
    server.answer(503, times=2)
    server.answer(429, times=1)
    assert [503, 503, 429, 200, 200] == [_get(connection)[0] for _ in range(5)]


def test_an_answer_for_a_path_stands_before_the_one_for_all(
    server: FaultyServer, connection: http.client.HTTPConnection
) -> None:
    server.answer(404)
    server.answer(200, path="/here")
    assert [200, 200, 404] == [_get(connection, path)[0] for path in ("/here", "/here?q=1", "/there")]


def test_requests_are_kept_with_headers_and_body(
    server: FaultyServer, connection: http.client.HTTPConnection
) -> None:
    server.answer(204)
    connection.request("PUT", "/x?y=1", body=b"data", headers={"X-Some": "thing"})
    assert 204 == connection.getresponse().status
    received = server.requests[0]
    assert ("PUT", "/x?y=1", b"data") == (received.method, received.path, received.body)
    assert "thing" == received.headers["x-some"]


def test_a_truncated_body_is_shorter_than_announced(
    server: FaultyServer, connection: http.client.HTTPConnection
) -> None:
    server.answer(body=b"0123456789", truncate_to=4)
    with pytest.raises(http.client.IncompleteRead) as caught:
        _get(connection)
    assert b"0123" == caught.value.partial


def test_close_gives_no_answer(server: FaultyServer, connection: http.client.HTTPConnection) -> None:
    server.answer(close=True)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        _get(connection)


def test_a_delay_is_a_hang_that_ends_with_the_server(server: FaultyServer) -> None:
    server.answer(delay=60)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.2)
    with pytest.raises(TimeoutError):
        _get(connection)
    connection.close()
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 2


def test_a_drip_sends_byte_by_byte(server: FaultyServer, connection: http.client.HTTPConnection) -> None:
    server.answer(body=b"abcd", drip=0.05)
    started = time.monotonic()
    assert (200, b"abcd") == _get(connection)
    assert time.monotonic() - started >= 0.2


def test_a_chunked_body_and_one_without_length_arrive(
    server: FaultyServer, connection: http.client.HTTPConnection
) -> None:
    server.answer(headers={"Transfer-Encoding": "chunked"}, body=b"chunk", times=1)
    server.answer(headers={"Content-Length": None}, body=b"until the end")
    assert (200, b"chunk") == _get(connection)
    assert (200, b"until the end") == _get(connection)


def test_an_unusual_status_and_method_are_possible(
    server: FaultyServer, connection: http.client.HTTPConnection
) -> None:
    server.answer(473)
    assert 473 == _get(connection, method="LIST")[0]


def test_dropped_connections_are_seen_by_the_client(
    server: FaultyServer, connection: http.client.HTTPConnection
) -> None:
    server.answer(200)
    _get(connection)
    server.drop_connections()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        _get(connection)


def test_it_speaks_tls() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with FaultyServer(context) as server:
        server.answer(body=b"secure")
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=5, context=trusting)
        assert [(200, b"secure")] * 2 == [_get(connection) for _ in range(2)]
        connection.close()
        distrusting = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=5)
        with pytest.raises(ssl.SSLCertVerificationError):
            _get(distrusting)
        distrusting.close()
        assert (2, 2) == (server.connections, len(server.requests))


def test_the_certificate_of_a_running_server_can_be_another_one_or_none(
    server: FaultyServer, connection: http.client.HTTPConnection
) -> None:
    server.answer(body=b"yes")
    assert (200, b"yes") == _get(connection)
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    server.switch(context)
    secure = http.client.HTTPSConnection("127.0.0.1", server.port, context=trusting, timeout=5)
    assert (200, b"yes") == _get(secure)
    server.switch(None)
    with pytest.raises((http.client.HTTPException, OSError)):
        _get(secure)
    secure.close()
    connection.close()
    assert (200, b"yes") == _get(connection)
