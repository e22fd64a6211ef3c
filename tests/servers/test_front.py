"""The front passes on what it is asked and what it is answered, and counts."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator

import pytest
import trustme

from tests.servers.faulty import FaultyServer
from tests.servers.front import Front


@pytest.fixture
def upstream() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        yield server


def test_requests_over_one_kept_tls_connection_reach_the_server_behind_it(upstream: FaultyServer) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    upstream.answer(201, {"X-Kept": "yes"}, b"answer")

    with Front(upstream.url, context) as front:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", int(front.url.rpartition(":")[2]), context=trusting
        )
        answers = []
        for number in range(3):
            connection.request("POST", f"/path?n={number}", body=b"question", headers={"X-Sent": "yes"})
            answer = connection.getresponse()
            answers.append((answer.status, answer.getheader("X-Kept"), answer.read()))
        connection.close()

    assert [(201, "yes", b"answer")] * 3 == answers
    assert [("POST", f"/path?n={number}", b"question") for number in range(3)] == front.requests
    assert ["yes"] * 3 == [received.headers["x-sent"] for received in upstream.requests]
    assert (1, 3) == (front.connections, upstream.connections)
