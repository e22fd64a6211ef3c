"""A service that takes one key, and changes it: at once, or with a time in which the old one is good too."""

from __future__ import annotations

import base64
import json
import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from tests.servers._process import LOOPBACK
from tests.servers.pepipost import fingerprint

__all__ = ["KeyedServer", "Seen"]


class Seen(NamedTuple):
    """One request, without its key.

    Attributes:
        method: The method.
        path: The path, with its query.
        key: The fingerprint of the key it came with; `None` without one.
        body: What it carried.
        cookie: Its cookies, as sent.
    """

    method: str
    path: str
    key: str | None
    body: bytes
    cookie: str | None


class KeyedServer:
    """Listens on a free loopback port until stopped, for hundreds of clients that keep their connections.

    A request comes with the key in the header ``api_key``, as ``Authorization: Bearer KEY``, as ``Authorization: Token
    KEY``, or as the password of Basic authentication. Its answer tells what was received.

    | path | answer to a good key |
    |---|---|
    | ``/stream`` | ten pieces, without a length |
    | ``/to?URL`` | the redirect ``redirects_with`` to that URL; to everybody |
    | any other | what was received, as JSON |

    Args:
        key: The key that is good at the start.
        refuses_with: The status of a refusal.

    Attributes:
        served: How many requests had a good key.
        refused: How many had another one, or none.
        connections: How many connections were opened.
        seen: All requests, oldest first.
        refuses_with: The status of a refusal.
        redirects_with: The status of ``/to``.
        unavailable: How many of the next requests are answered 503.
    """

    def __init__(self, key: str, *, refuses_with: int = 401) -> None:
        self.served = 0
        self.refused = 0
        self.connections = 0
        self.seen: list[Seen] = []
        self.refuses_with = refuses_with
        self.redirects_with = 302
        self.unavailable = 0
        self._keys = {key}
        self._newest = key
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.005,), name="keyed", daemon=True
        )
        self._thread.start()

    def rotate(self, key: str, *, overlap: bool = False) -> None:
        """Take *key* from now on.

        Args:
            key: The new key.
            overlap: Whether the keys from before are good too, until `end_overlap`; else they are refused at once.
        """
        with self._lock:
            self._keys = {*self._keys, key} if overlap else {key}
            self._newest = key

    def end_overlap(self) -> None:
        """Refuse all keys but the newest."""
        with self._lock:
            self._keys = {self._newest}

    def stop(self) -> None:
        """Close the port and wait for the thread. Safe to call twice."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def status_for(self, seen: Seen, key: str | None) -> int:
        """Take note of one request, and return the status of its answer."""
        with self._lock:
            self.seen.append(seen)
            if self.unavailable > 0:
                self.unavailable -= 1
                return 503
            if seen.path.startswith("/to?"):
                return self.redirects_with
            if key in self._keys:
                self.served += 1
                return 200
            self.refused += 1
            return self.refuses_with

    def opened(self) -> None:
        """Count a connection."""
        with self._lock:
            self.connections += 1


def _key_in(headers: Message) -> str | None:
    scheme, _, rest = headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        return base64.b64decode(rest).decode().partition(":")[2]
    return rest or headers.get("api_key")


class _Server(ThreadingHTTPServer):
    # An idle keep-alive connection of a client that was not closed must not hold up the end of a test.
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, service: KeyedServer) -> None:
        self.service = service
        super().__init__((LOOPBACK, 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that go in the middle."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.service.opened()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self._body()
        key = _key_in(self.headers)
        known = None if key is None else fingerprint(key)
        seen = Seen(self.command, self.path, known, body, self.headers.get("Cookie"))
        status = self.server.service.status_for(seen, key)
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", unquote(urlsplit(self.path).query))
        if status == 200 and self.path == "/stream":
            self._stream()
        else:
            told = {"key": known, "length": len(body), "body": fingerprint(body.decode("latin-1"))}
            self._whole(json.dumps(told).encode())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while length := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _whole(self, raw: bytes) -> None:
        self.send_header("Set-Cookie", "session=1")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _stream(self) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(10):
            self.wfile.write(b"1\r\n%d\r\n" % number)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        pass
