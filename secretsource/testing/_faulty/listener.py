"""Connections: TLS or none, each in a thread of its own, answered from a script."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

from secretsource.testing._faulty.script import Received, Reply

__all__ = ["LOOPBACK", "Listener"]

LOOPBACK = "127.0.0.1"
_BODILESS = {204, 304, *range(100, 200)}
_Request: TypeAlias = "socket.socket | tuple[bytes, socket.socket]"


class Listener(ThreadingHTTPServer):
    """Listens on a free port.

    Attributes:
        ssl_context: How new connections are greeted; `None` for plain HTTP.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        ssl_context: ssl.SSLContext | None,
        connected: Callable[[], None],
        answer: Callable[[Received], Reply | None],
        wait: Callable[[float], None],
    ) -> None:
        self.ssl_context = ssl_context
        self.answer = answer
        self.wait = wait
        self._connected = connected
        self._open: set[_Request] = set()
        self._lock = threading.Lock()
        super().__init__((LOOPBACK, 0), _Handler)

    def process_request(self, request: _Request, client_address: object) -> None:
        """Note the connection, and serve it in its own thread."""
        with self._lock:
            self._open.add(request)
        self._connected()
        super().process_request(request, client_address)

    def finish_request(self, request: _Request, client_address: object) -> None:
        """Serve a connection, after the handshake: in its own thread, so that a slow one delays nobody."""
        if self.ssl_context is None or not isinstance(request, socket.socket):
            super().finish_request(request, client_address)
            return
        plain = request.dup()
        with plain, self.ssl_context.wrap_socket(plain, server_side=True) as secure:
            super().finish_request(secure, client_address)

    def shutdown_request(self, request: _Request) -> None:
        """Forget the connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        """Close every open connection."""
        with self._lock:
            for connection in self._open:
                if isinstance(connection, socket.socket):
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: _Request, client_address: object) -> None:
        """Say nothing: clients that go away are what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Listener
    disable_nagle_algorithm = True

    def parse_request(self) -> bool:
        if super().parse_request():
            # Whatever the method is called, it is answered by the script.
            setattr(self, f"do_{self.command}", self._answer)
            return True
        return False

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.command, self.path, headers, self._read_body(headers))
        self._send(self.server.answer(received) or Reply(500, {}, b"no answer is set"))

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, reply: Reply) -> None:
        self.server.wait(reply.delay)
        if reply.close:
            self.close_connection = True
            return
        bodiless = reply.status in _BODILESS or self.command == "HEAD"
        self.wfile.write(self._head(reply, bodiless=bodiless))
        if not bodiless:
            self._send_body(reply)

    def _head(self, reply: Reply, *, bodiless: bool) -> bytes:
        headers = dict(reply.headers)
        names = {name.lower() for name in headers}
        if "content-length" not in names and "transfer-encoding" not in names and not bodiless:
            headers["Content-Length"] = str(len(reply.body))
        if any(value is None for value in headers.values()):
            self.close_connection = True
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        status = f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"
        return "\r\n".join([status, *lines, "", ""]).encode("latin-1")

    def _send_body(self, reply: Reply) -> None:
        sent = _framed(reply)
        if reply.truncate_to is not None:
            sent = sent[: reply.truncate_to]
            self.close_connection = True
        if not reply.drip:
            self.wfile.write(sent)
            return
        for number in range(len(sent)):
            self.server.wait(reply.drip)
            self.wfile.write(sent[number : number + 1])


def _framed(reply: Reply) -> bytes:
    chunked = any(name.lower() == "transfer-encoding" for name in reply.headers)
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(reply.body), reply.body) if chunked else reply.body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
