"""Wrong answers of the Conjur stand-in."""

import contextlib
import http.client
import socket
import time
from urllib.parse import urlsplit

import pytest

from . import ConjurServer
from .client import Client, path_of


@pytest.mark.parametrize(
    ("kind", "status", "header"),
    [
        ("html200", 200, ("Content-Type", "text/html; charset=utf-8")),
        ("204", 204, ("Content-Type", None)),
        ("empty404", 404, ("Content-Type", "text/html; charset=utf-8")),
        ("status:503", 503, ("Content-Length", "0")),
        ("status:429:Retry-After=1", 429, ("Retry-After", "1")),
        ("redirect:307:https://elsewhere.example/x", 307, ("Location", "https://elsewhere.example/x")),
        ("login-not-a-token", 200, ("Content-Encoding", "base64")),
    ],
)
def test_a_fault_answers_in_place_of_the_server(
    server: ConjurServer, alice: Client, kind: str, status: int, header: tuple[str, str | None]
) -> None:
    server.fault(kind)
    response = alice.send("GET", path_of())
    response.read()

    assert (status, header) == (response.status, (header[0], response.headers[header[0]]))


def test_a_truncated_answer_ends_early(server: ConjurServer, alice: Client) -> None:
    server.fault("truncated")

    with pytest.raises(http.client.IncompleteRead):
        alice.read()


def test_a_closed_connection_gives_no_answer(server: ConjurServer, alice: Client) -> None:
    server.fault("close")

    with pytest.raises(http.client.RemoteDisconnected):
        alice.read()


def test_a_hanging_answer_never_begins(server: ConjurServer, alice: Client) -> None:
    server.fault("hang")
    alice.connection.timeout = 0.2

    with pytest.raises(TimeoutError):
        alice.read()


def test_a_dripping_answer_begins_and_does_not_end(server: ConjurServer, alice: Client) -> None:
    server.fault("drip")
    alice.connection.timeout = 0.2
    response = alice.send("GET", path_of())

    with contextlib.closing(response), pytest.raises(TimeoutError):
        response.read()


def test_a_stop_ends_a_hanging_answer(server: ConjurServer) -> None:
    server.fault("hang")
    host, port = urlsplit(server.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not server.requests:
            time.sleep(0.01)
        server.stop()

        assert b"" == connection.recv(1)


def test_a_fault_waits_for_the_requests_it_is_meant_for(server: ConjurServer, alice: Client) -> None:
    server.fault("status:503", times=2, match="read")
    login = alice.log_in(server.api_key("alice"))

    assert (200, [503, 503, 200]) == (login, [alice.read() for _ in range(3)])


def test_faults_that_are_left_can_be_cleared(server: ConjurServer, alice: Client) -> None:
    server.fault("status:503", times=9)
    server.clear_faults()

    assert 200 == alice.read()


@pytest.mark.parametrize("kind", ["html", "status:", "redirect:307"])
def test_an_unknown_fault_is_an_error(server: ConjurServer, kind: str) -> None:
    with pytest.raises(ValueError, match="no kind of fault"):
        server.fault(kind)


def test_a_fault_for_an_unknown_kind_of_request_is_an_error(server: ConjurServer) -> None:
    with pytest.raises(ValueError, match="no kind of request"):
        server.fault("204", match="reads")
