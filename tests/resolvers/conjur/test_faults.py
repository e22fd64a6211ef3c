"""What happens when the server, or what stands before it, goes wrong."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secretsource._secret import Document
from secretsource.errors import BackendUnavailable, DeadlineExceeded, InvalidResponse, Reason
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.support import at_once, read, resolver_at, resolver_for, token_body, value
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer

NAME = "pepipost/api_key"
LOGIN = "/authn/demo/alice/authenticate"


@pytest.fixture
def broken(faulty: FaultyServer) -> FaultyServer:
    """A server that gives everybody a token, and else what the test says."""
    faulty.answer(body=token_body(), path=LOGIN)
    return faulty


def test_a_second_attempt_succeeds_after_the_database_is_back(
    server: ConjurServer, resolver: ConjurResolver, canary: str
) -> None:
    value(resolver, NAME)
    server.database_down = True
    with pytest.raises(BackendUnavailable) as caught:
        read(resolver, NAME)
    assert (Reason.SERVER, f"HTTP 500 from {server.url.removeprefix('http://')}") == (
        caught.value.reason,
        caught.value.detail,
    )
    server.database_down = False
    server.database.pooled_connections = 1

    assert canary == value(resolver, NAME)


def test_a_database_that_is_down_stops_a_login_as_unavailable(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    server.database_down = True

    with pytest.raises(BackendUnavailable, match="HTTP 500"):
        read(resolver, NAME)
    assert 3 == server.count("authenticate")


@pytest.mark.parametrize(
    "fault", ["html200", "204", "empty404", "truncated", "status:201", "status:422", "status:406"]
)
def test_a_broken_answer_is_asked_for_once_more_and_is_then_invalid(
    server: ConjurServer, resolver: ConjurResolver, fault: str
) -> None:
    server.fault(fault, times=2, match="read")

    with pytest.raises(InvalidResponse):
        read(resolver, NAME)
    assert 2 == server.count("read")


@pytest.mark.parametrize(
    "fault", ["html200", "204", "empty404", "truncated", "close", "status:500", "status:503"]
)
def test_a_fault_that_passes_is_survived(
    server: ConjurServer, resolver: ConjurResolver, canary: str, fault: str
) -> None:
    value(resolver, NAME)
    server.fault(fault, match="read")

    assert canary == value(resolver, NAME)


def test_a_connection_closed_without_an_answer_is_unavailable(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    server.fault("close", times=3, match="read")

    with pytest.raises(BackendUnavailable) as caught:
        read(resolver, NAME)
    assert Reason.REFUSED is caught.value.reason
    assert server.url.removeprefix("http://") == caught.value.detail


def test_a_refused_connection_names_the_endpoint_and_ends_fast() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(BackendUnavailable, match=f"127.0.0.1:{port}") as caught:
            read(resolver_at(f"http://127.0.0.1:{port}"), NAME)

    assert Reason.REFUSED is caught.value.reason
    assert time.monotonic() - started < 1


def test_an_unknown_host_is_dns() -> None:
    with pytest.raises(BackendUnavailable, match=r"no-such-host\.invalid:443") as caught:
        read(resolver_at("https://no-such-host.invalid"), NAME)
    assert Reason.DNS is caught.value.reason


def test_a_server_that_restarts_costs_nothing(
    server: ConjurServer, resolver: ConjurResolver, canary: str
) -> None:
    value(resolver, NAME)
    server.stop()
    server.start()

    assert canary == value(resolver, NAME)


@pytest.mark.parametrize("kind", ["read", "authenticate"])
@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_a_hang_or_a_drip_ends_with_the_deadline(
    server: ConjurServer, resolver: ConjurResolver, fault: str, kind: str
) -> None:
    server.fault(fault, times=3, match=kind)
    started = time.monotonic()

    with pytest.raises(DeadlineExceeded):
        read(resolver, NAME, seconds=0.5)
    assert time.monotonic() - started < 1.0


@pytest.mark.parametrize("pause", [0.05, 0.2, 0.45])
def test_a_drip_that_keeps_the_socket_busy_ends_with_the_deadline(broken: FaultyServer, pause: float) -> None:
    broken.answer(body=b"x" * 100, drip=pause)
    started = time.monotonic()

    with pytest.raises(DeadlineExceeded):
        read(resolver_at(broken.url), NAME, seconds=0.5)
    assert time.monotonic() - started < 1.0


def test_a_drip_that_then_stalls_ends_with_the_deadline(broken: FaultyServer) -> None:
    broken.answer(body=b"x" * 9, headers={"Content-Length": "100"}, drip=0.1)
    started = time.monotonic()

    with pytest.raises(DeadlineExceeded):
        read(resolver_at(broken.url), NAME, seconds=1.0)
    assert time.monotonic() - started < 1.5


def test_many_waiters_for_a_login_that_hangs_end_with_their_own_deadline(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    server.fault("hang", times=100, match="authenticate")
    started = time.monotonic()

    outcomes = at_once(8, lambda: read(resolver, NAME, seconds=0.5))

    assert [DeadlineExceeded] * 8 == [type(outcome) for outcome in outcomes]
    assert time.monotonic() - started < 1.5


def test_throttling_waits_as_long_as_the_server_says(
    server: ConjurServer, resolver: ConjurResolver, canary: str
) -> None:
    server.fault("status:429:Retry-After=1", match="read")
    started = time.monotonic()

    assert canary == value(resolver, NAME)
    assert time.monotonic() - started >= 1


def test_throttling_beyond_the_deadline_ends_at_once(server: ConjurServer, resolver: ConjurResolver) -> None:
    server.fault("status:429:Retry-After=3600", match="read")
    started = time.monotonic()

    with pytest.raises(BackendUnavailable) as caught:
        read(resolver, NAME)
    assert (Reason.THROTTLED, 3600.0) == (caught.value.reason, caught.value.retry_after)
    assert time.monotonic() - started < 0.5


def test_a_value_of_the_largest_size_is_read(server: ConjurServer) -> None:
    server.set("pepipost/long", b"x" * 1000)

    assert "x" * 1000 == value(resolver_for(server, max_bytes=1000), "pepipost/long")


def test_a_value_over_the_limit_is_refused(server: ConjurServer) -> None:
    server.set("pepipost/long", b"x" * 1001)

    with pytest.raises(InvalidResponse, match="more than 1000 bytes"):
        read(resolver_for(server, max_bytes=1000), "pepipost/long")


def test_a_value_without_an_end_is_refused_without_being_read_whole(broken: FaultyServer) -> None:
    broken.answer(headers={"Content-Length": str(10**15)}, body=b"x" * 3_000_000)

    with pytest.raises(InvalidResponse, match="more than 1048576 bytes"):
        read(resolver_at(broken.url), NAME)


def test_an_oversize_page_with_a_status_is_judged_by_the_status(broken: FaultyServer) -> None:
    broken.answer(404, body=b"x" * 3_000_000)

    with pytest.raises(InvalidResponse, match=r"HTTP 404 from 127\.0\.0\.1:\d+; not Conjur's own 404"):
        read(resolver_at(broken.url), NAME)


def test_a_chunked_answer_that_is_cut_is_invalid(broken: FaultyServer) -> None:
    broken.answer(body=b"x" * 100, headers={"Transfer-Encoding": "chunked"}, truncate_to=50)

    with pytest.raises(InvalidResponse):
        read(resolver_at(broken.url), NAME)


def test_a_whole_chunked_answer_is_a_value(broken: FaultyServer) -> None:
    broken.answer(body=b"found", headers={"Transfer-Encoding": "chunked"})
    resolver = resolver_at(broken.url)

    assert ["found"] * 3 == [value(resolver, NAME) for _ in range(3)]
    assert 1 == broken.connections


def test_a_value_that_ends_with_its_connection_is_read_whole(broken: FaultyServer) -> None:
    broken.answer(body=b"x" * 200_000, headers={"Content-Length": None, "Connection": "close"})
    resolver = resolver_at(broken.url)

    assert ["x" * 200_000] * 3 == [value(resolver, NAME) for _ in range(3)]


def test_so_it_is_over_tls(server_context: ssl.SSLContext, ca_file: Path) -> None:
    with FaultyServer(server_context) as faulty:
        faulty.answer(body=token_body(), path=LOGIN)
        faulty.answer(body=b"x" * 200_000, headers={"Content-Length": None, "Connection": "close"})

        assert "x" * 200_000 == value(resolver_at(faulty.url, ca_file=ca_file), NAME)


def test_a_gzipped_answer_is_unpacked(broken: FaultyServer) -> None:
    broken.answer(body=gzip.compress(b"found"), headers={"Content-Encoding": "gzip"})

    assert "found" == value(resolver_at(broken.url), NAME)


def test_a_small_gzip_of_a_large_value_is_refused(broken: FaultyServer) -> None:
    broken.answer(body=gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})

    with pytest.raises(InvalidResponse, match="more than"):
        read(resolver_at(broken.url), NAME)


@pytest.mark.parametrize("status", [101, 102, 103, 199, 204, 205, 304])
def test_after_an_answer_that_is_not_conjurs_the_connection_is_not_used_again(
    broken: FaultyServer, status: int
) -> None:
    broken.answer(status, path="/secrets/demo/variable/one")
    broken.answer(body=b"two", path="/secrets/demo/variable/two")
    resolver = resolver_at(broken.url)
    assert "two" == value(resolver, "two")

    with pytest.raises(InvalidResponse):
        read(resolver, "one")
    assert "two" == value(resolver, "two")
    assert 3 == broken.connections


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", ["read", "authenticate", "list", "batch"])
def test_no_redirect_is_followed(
    server: ConjurServer, resolver: ConjurResolver, status: int, kind: str
) -> None:
    server.set("db/primary/password", b"x")
    with FaultyServer() as other:
        other.answer(body=b"stolen")
        server.fault(f"redirect:{status}:{other.url}/", times=2, match=kind)
        name, document = ("db/primary", True) if kind in {"list", "batch"} else (NAME, False)
        if kind == "batch":
            assert isinstance(read(resolver, name, document=True), Document)
        else:
            with pytest.raises(
                InvalidResponse, match=rf"HTTP {status} from 127\.0\.0\.1:\d+; redirect not followed"
            ):
                read(resolver, name, document=document)

        assert ([], 0) == (other.requests, other.connections)


def test_the_next_address_is_asked_while_the_first_cannot_answer(server: ConjurServer, canary: str) -> None:
    with FaultyServer() as first:
        first.answer(503)
        resolver = resolver_for(server, url=[first.url, server.url])
        for _ in range(3):
            assert canary == value(resolver, NAME)
        assert 1 == len(first.requests)
        server.stop()
        with pytest.raises(BackendUnavailable):
            read(resolver, NAME)
        server.start()
        assert canary == value(resolver, NAME)


def test_an_address_that_hangs_leaves_time_for_the_next(server: ConjurServer, canary: str) -> None:
    with FaultyServer() as first:
        first.answer(delay=30)
        assert canary == value(resolver_for(server, url=[first.url, server.url]), NAME, seconds=2)


def test_a_denial_is_not_asked_for_elsewhere(server: ConjurServer) -> None:
    with FaultyServer() as second:
        with pytest.raises(PermissionError):
            read(resolver_for(server, "carol", url=[server.url, second.url]), NAME)
        assert 0 == second.connections


def test_a_head_that_drips_ends_with_the_deadline() -> None:
    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    with answering(drip) as url:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            read(resolver_at(url), NAME, seconds=0.5)
        assert time.monotonic() - started < 1.0


def test_an_answer_that_is_no_http_is_invalid() -> None:
    with answering(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")) as url:
        with pytest.raises(InvalidResponse):
            read(resolver_at(url), NAME)


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve connections one after the other with *answer*, which speaks on the bare socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(65536)
                        answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
