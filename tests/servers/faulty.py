"""An HTTP/1.1 server with keep-alive that answers exactly what a test tells it to, right or wrong.

It does what real servers cannot be made to do: hang, drip, cut bodies, close without an answer, redirect,
speak HTML. It prints nothing, and what it still holds open ends with it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

LOOPBACK = "127.0.0.1"
_DRIP_SECONDS = 0.1
_BODILESS = {204, 304, *range(100, 200)}


class Received(NamedTuple):
    """One request as it came in: the path with its query, the headers with their names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Reply:
    """One answer, and how often it may still be given; `None` for always."""

    status: int
    headers: dict[str, str | None]
    body: bytes
    delay: float
    truncate_to: int | None
    drip: float
    close: bool
    times: int | None
    path: str | None

    def fits(self, path: str) -> bool:
        """Whether this is an answer to a request for *path*; a query counts only where ours has one."""
        return self.path is None or self.path == (path if "?" in self.path else path.partition("?")[0])


@dataclass(slots=True)
class _Script:
    """The answers that are to come: those with a count first, in order, then those that stand."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    counted: list[Reply] = field(default_factory=list)
    standing: list[Reply] = field(default_factory=list)

    def add(self, reply: Reply) -> None:
        with self.lock:
            if reply.times is not None:
                self.counted.append(reply)
                return
            self.standing = [other for other in self.standing if other.path != reply.path]
            # An answer for one path stands before the one for all.
            self.standing.insert(0 if reply.path is not None else len(self.standing), reply)

    def take(self, path: str) -> Reply | None:
        with self.lock:
            for reply in self.counted:
                if reply.times and reply.fits(path):
                    reply.times -= 1
                    return reply
            return next((reply for reply in self.standing if reply.fits(path)), None)

    def clear(self) -> None:
        with self.lock:
            self.counted.clear()
            self.standing.clear()


class FaultyServer:
    """Serve on a free loopback port while the ``with`` block runs.

    Args:
        ssl_context: A server-side context, for example from trustme, to speak TLS; `None` for plain HTTP.

    Attributes:
        url: ``http://127.0.0.1:PORT`` or ``https://127.0.0.1:PORT``, without a slash at the end.
        requests: What came in, in order, as `Received` (method, path, headers, body).
        connections: How many TCP connections were accepted, also those that then failed in the TLS handshake.
    """

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self._script = _Script()
        self._stopping = threading.Event()
        self._server = _Listener(self, ssl_context)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if ssl_context else 'http'}://{LOOPBACK}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def answer(
        self,
        status: int = 200,
        headers: Mapping[str, str | None] | None = None,
        body: bytes | str = b"",
        *,
        delay: float = 0,
        truncate_to: int | None = None,
        drip: bool | float = False,
        close: bool = False,
        times: int | None = None,
        path: str | None = None,
    ) -> None:
        """Set an answer. Without any that fits, requests get a 500.

        Args:
            status: The status; any number from 100 to 999.
            headers: Sent as they are. ``Content-Length`` is added unless given; as `None` it is left out and
                the connection closed after the body. ``Transfer-Encoding: chunked`` sends one chunk.
            body: The body; a `str` is sent as UTF-8.
            delay: Seconds to wait before the answer; a hang, if more than the client waits.
            truncate_to: Send only so many bytes of the body, then close.
            drip: Send the body byte by byte with this many seconds between them; `True` for 0.1.
            close: Close the connection without any answer.
            times: Give this answer so many times, in the order in which answers were set; `None`: whenever
                no counted one is left, until it is replaced by another one for the same *path*.
            path: Answer requests for this path only, before the answers for all paths.
        """
        raw = body.encode() if isinstance(body, str) else body
        pause = _DRIP_SECONDS if drip is True else float(drip)
        self._script.add(
            Reply(status, dict(headers or {}), raw, delay, truncate_to, pause, close, times, path)
        )

    def reset(self) -> None:
        """Forget all answers, requests and the number of connections; open connections stay."""
        self._script.clear()
        self.requests.clear()
        self.connections = 0

    def drop_connections(self) -> None:
        """Close every open connection, as a server does that restarts."""
        self._server.drop_connections()

    def stop(self) -> None:
        """Stop listening and close what is open. Safe to call twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.drop_connections()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _wait(self, seconds: float) -> None:
        if seconds and self._stopping.wait(seconds):
            raise ConnectionAbortedError


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, owner: FaultyServer, ssl_context: ssl.SSLContext | None) -> None:
        self.owner = owner
        self.ssl_context = ssl_context
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((LOOPBACK, 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
            self.owner.connections += 1
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the connection's own thread, so that a slow handshake delays nobody.
        if self.ssl_context is None:
            super().finish_request(request, client_address)
            return
        plain = request.dup()
        with plain, self.ssl_context.wrap_socket(plain, server_side=True) as secure:
            super().finish_request(secure, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that go away are what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener
    disable_nagle_algorithm = True

    def parse_request(self) -> bool:
        if super().parse_request():
            # Whatever the method is called, it is answered by the script.
            setattr(self, f"do_{self.command}", self._answer)
            return True
        return False

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._read_body(headers)
        self.server.owner.requests.append(Received(self.command, self.path, headers, body))
        reply = self.server.owner._script.take(self.path)
        self._send(reply or Reply(500, {}, b"no answer is set", 0, None, 0, False, None, None))

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
        self.server.owner._wait(reply.delay)
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
        return "\r\n".join([f"HTTP/1.1 {reply.status} {_phrase(reply.status)}", *lines, "", ""]).encode(
            "latin-1"
        )

    def _send_body(self, reply: Reply) -> None:
        sent = _framed(reply)
        if reply.truncate_to is not None:
            sent = sent[: reply.truncate_to]
            self.close_connection = True
        if not reply.drip:
            self.wfile.write(sent)
            return
        for number in range(len(sent)):
            self.server.owner._wait(reply.drip)
            self.wfile.write(sent[number : number + 1])


def _framed(reply: Reply) -> bytes:
    chunked = any(name.lower() == "transfer-encoding" for name in reply.headers)
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(reply.body), reply.body) if chunked else reply.body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
