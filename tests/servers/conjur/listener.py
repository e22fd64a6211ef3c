"""The HTTP server: kept connections, one thread for each, TLS if wanted."""

import contextlib
import socket
import ssl
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock
from typing import Any

from .messages import Request, first_values
from .wire import Wire

# Answers a request with the target as sent; says whether the connection goes on.
Respond = Callable[[str, Request, Wire], bool]


class Listener(ThreadingHTTPServer):
    """Listens on loopback.

    Attributes:
        connected: called for each connection.
        failed: called with an exception that no client caused.
        stopped: set when the server stops.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, tls: ssl.SSLContext | None, respond: Respond) -> None:
        self.respond = respond
        self.connected: Callable[[], None] = lambda: None
        self.failed: Callable[[BaseException], None] = lambda _problem: None
        self.stopped = Event()
        self._tls = tls
        self._lock = Lock()
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name that the base class does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection, in its own thread: a slow handshake holds nobody else up."""
        self.connected()
        if self._tls is None:
            self._serve(request, client_address)
        else:
            with self._tls.wrap_socket(request, server_side=True) as secured:
                self._serve(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what went wrong; a client that leaves, or a bad handshake, is part of many tests."""
        problem = sys.exception()
        if problem is not None and not isinstance(problem, OSError):
            self.failed(problem)

    def hang_up(self) -> None:
        """End every wait and every open connection."""
        self.stopped.set()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _serve(self, connection: socket.socket, client_address: Any) -> None:
        with self._lock:
            self._open.add(connection)
        try:
            if not self.stopped.is_set():
                super().finish_request(connection, client_address)
        finally:
            with self._lock:
                self._open.discard(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def _serve(self) -> None:
        wire = Wire(self.wfile, self.server.stopped, self.command)
        if not self.server.respond(self.path, self._request(), wire):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server looks for these names

    def _request(self) -> Request:
        path, _, query = self.path.partition("?")
        return Request(
            method="GET" if self.command == "HEAD" else self.command,
            path=path,
            query=first_values(query),
            headers={name.lower(): content for name, content in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
            client_ip=self.client_address[0],
        )

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""
