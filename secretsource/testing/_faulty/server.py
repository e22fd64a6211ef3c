"""The server as a test uses it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from typing import Self

from secretsource.testing._faulty.listener import LOOPBACK, Listener
from secretsource.testing._faulty.script import Received, Reply, Script

__all__ = ["FaultyServer"]

_DRIP_SECONDS = 0.1


class FaultyServer:
    """An HTTP/1.1 server with keep-alive that answers exactly what a test tells it to, while the ``with`` block runs.

    It does what real servers cannot be made to do: hang, drip, cut bodies, close without an answer, redirect, speak
    HTML. It listens on a free loopback port, prints nothing, and what it still holds open ends with it.

    Args:
        ssl_context: A server-side context, to speak TLS; `None` for plain HTTP.

    Attributes:
        url: ``http://127.0.0.1:PORT`` or ``https://127.0.0.1:PORT``, without a slash at the end.
        port: The port.
        requests: What came in, in order: method, path, headers and body.
        connections: How many TCP connections were accepted, also those that then failed in the TLS handshake.
    """

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self._script = Script()
        self._stopping = threading.Event()
        self._server = Listener(ssl_context, self._note_connection, self._taken, self._wait)
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

    def switch(self, ssl_context: ssl.SSLContext | None) -> None:
        """Greet new connections with another context from now on, or with none; those that are open end."""
        self._server.ssl_context = ssl_context
        self.drop_connections()

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
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        """Stop."""
        self.stop()

    def _note_connection(self) -> None:
        self.connections += 1

    def _taken(self, received: Received) -> Reply | None:
        self.requests.append(received)
        return self._script.take(received.path)

    def _wait(self, seconds: float) -> None:
        if seconds and self._stopping.wait(seconds):
            raise ConnectionAbortedError
