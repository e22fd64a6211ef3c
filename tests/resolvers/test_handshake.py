"""What all resolvers that speak TLS make of a handshake that fails, and of a caller who is handling something else."""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import BackendUnavailable, Reason
from secretsource.resolvers import Resolver, _retry
from secretsource.resolvers.aws import AwsResolver
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.aws.support import login
from tests.resolvers.conjur.conftest import clean_environment
from tests.resolvers.vault.support import no_environment, quick_retries
from tests.servers._process import free_port

__all__ = ["clean_environment", "login", "no_environment", "quick_retries"]

Make = Callable[[str], Resolver]


def _vault(url: str) -> Resolver:
    return VaultResolver(address=url, auth={"method": "token", "token": secrets.token_hex(8)})


def _conjur(url: str) -> Resolver:
    auth = {"method": "api_key", "login": "alice", "api_key": secrets.token_hex(8)}
    return ConjurResolver(url=url, account="demo", auth=auth)


RESOLVERS = pytest.mark.parametrize(
    "make", [lambda url: AwsResolver(endpoint_url=url), _vault, _conjur], ids=["aws", "vault", "conjur"]
)


def close_at_once(connection: socket.socket) -> None:
    connection.recv(65536)


def reset_at_once(connection: socket.socket) -> None:
    """Close with a reset; not before the client has spoken, as Python 3.11 then forgets to close its own side."""
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def speak_http(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def refuse_the_version(connection: socket.socket) -> None:
    """Send TLS's fatal alert 70, protocol_version."""
    connection.recv(65536)
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[int]]]:
    """Serve connections one after the other with *answer*; yield the address, and a list that grows with each."""
    served: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    served.append(port)
                    with connection, suppress(OSError):
                        answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{port}", served
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def failure(resolver: Resolver) -> BackendUnavailable:
    with pytest.raises(BackendUnavailable) as caught:
        resolver.fetch(resolver.locate("pepipost/api_key"), Deadline(5))
    return caught.value


@RESOLVERS
@pytest.mark.parametrize("answer", [close_at_once, reset_at_once])
def test_a_connection_that_ends_in_the_handshake_is_an_outage_and_is_tried_again(
    make: Make, answer: Callable[[socket.socket], None]
) -> None:
    with serving(answer) as (url, served):
        assert Reason.REFUSED is failure(make(url)).reason
        assert _retry.ATTEMPTS == len(served)


@RESOLVERS
@pytest.mark.parametrize("answer", [speak_http, refuse_the_version])
def test_a_handshake_that_fails_otherwise_is_a_tls_failure_and_is_not_tried_again(
    make: Make, answer: Callable[[socket.socket], None]
) -> None:
    with serving(answer) as (url, served):
        assert Reason.TLS is failure(make(url)).reason
        assert 1 == len(served)


@RESOLVERS
@pytest.mark.parametrize(
    "handled", [ssl.SSLCertVerificationError(), FileNotFoundError(), TimeoutError(), socket.gaierror()]
)
def test_what_the_caller_is_handling_does_not_change_the_reason(make: Make, handled: OSError) -> None:
    resolver = make(f"https://127.0.0.1:{free_port()}")
    try:
        raise handled
    except OSError:
        assert Reason.REFUSED is failure(resolver).reason


@RESOLVERS
def test_a_tls_failure_is_one_also_where_the_caller_is_handling_an_outage(make: Make) -> None:
    with serving(speak_http) as (url, _):
        try:
            raise FileNotFoundError
        except FileNotFoundError:
            assert Reason.TLS is failure(make(url)).reason
