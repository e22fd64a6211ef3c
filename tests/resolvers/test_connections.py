"""What a hostile server or proxy can do to a connection of any resolver, and what is shown of it."""

from __future__ import annotations

import contextlib
import http.client
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import urllib3

from secretsource._deadline import Deadline
from secretsource.errors import DeadlineExceeded, InvalidResponse, SecretSourceError
from secretsource.resolvers import Resolver
from secretsource.resolvers.aws import AwsResolver
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.aws.support import Canary, Login, login
from tests.resolvers.conjur.conftest import clean_environment
from tests.resolvers.vault.support import no_environment, quick_retries

__all__ = ["clean_environment", "login", "no_environment", "quick_retries"]

Make = Callable[[str, str], Resolver]
LOST = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\n%s\r\n\r\n"


def _vault(url: str, token: str) -> Resolver:
    return VaultResolver(address=url, auth={"method": "token", "token": token})


def _approle(url: str, token: str) -> Resolver:
    return VaultResolver(address=url, auth={"method": "approle", "role_id": "role", "secret_id": token})


def _conjur(url: str, key: str) -> Resolver:
    return ConjurResolver(
        url=url, account="demo", auth={"method": "api_key", "login": "alice", "api_key": key}
    )


def _aws(url: str, _key: str) -> Resolver:
    return AwsResolver(endpoint_url=url)


RESOLVERS = pytest.mark.parametrize(
    "make", [_aws, _vault, _approle, _conjur], ids=["aws", "vault", "approle", "conjur"]
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve each connection in a thread of its own with *answer*, which speaks on the bare socket."""

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            answer(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def fetch(resolver: Resolver, seconds: float) -> object:
    return resolver.fetch(resolver.locate("pepipost/api_key"), Deadline(seconds))


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(100):
        time.sleep(0.05)
        connection.sendall(b"a")


def go_on(connection: socket.socket) -> None:
    for _ in range(100):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)


@RESOLVERS
@pytest.mark.parametrize("answer", [drip, go_on])
def test_a_head_without_an_end_ends_with_the_deadline(
    make: Make, answer: Callable[[socket.socket], None]
) -> None:
    with answering(answer) as where:
        resolver = make(f"http://{where}", secrets.token_hex(8))
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            fetch(resolver, 1.0)
        assert time.monotonic() - started < 2.0


@RESOLVERS
def test_a_proxy_whose_head_has_no_end_ends_with_the_deadline(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(drip) as where:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{where}")
        resolver = make("https://host.invalid", secrets.token_hex(8))
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            fetch(resolver, 1.0)
        assert time.monotonic() - started < 2.0


@RESOLVERS
def test_the_switch_of_http_client_prints_nothing_of_ours(
    make: Make, login: Login, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with answering(lambda connection: connection.sendall(b"HTTP/1.1 403 No\r\n\r\n")) as where:
        with pytest.raises(SecretSourceError):
            fetch(make(f"http://{where}", secrets.token_hex(8)), 2.0)

    assert "" == capsys.readouterr().out


@RESOLVERS
def test_a_body_that_follows_without_a_blank_line_is_broken_and_not_logged(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    canary = Canary()
    with answering(lambda connection: connection.sendall(LOST % canary.text.encode())) as where:
        with caplog.at_level(logging.DEBUG), pytest.raises(InvalidResponse) as caught:
            fetch(make(f"http://{where}", secrets.token_hex(8)), 2.0)

    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert canary.text not in caplog.text
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_the_applications_own_urllib3_logs_it_as_before(caplog: pytest.LogCaptureFixture) -> None:
    with answering(lambda connection: connection.sendall(LOST % b"told")) as where:
        with urllib3.PoolManager() as pools:
            pools.request("GET", f"http://{where}", retries=False)

    assert "told" in caplog.text
