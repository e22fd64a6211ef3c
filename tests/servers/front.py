"""TLS, kept connections and a count in front of a server that has none of them.

moto closes every connection and its requests are not to be counted from outside, which hides what goes wrong with
connections over a fork.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from typing import Self
from urllib.parse import urlsplit

from tests.servers.conjur.listener import Listener
from tests.servers.conjur.messages import Reply, Request
from tests.servers.conjur.wire import Wire

__all__ = ["Front"]

_OF_ONE_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


class Front:
    """Pass every request on to a server while the ``with`` block runs, each over a new connection.

    Args:
        upstream: The address of the server: plain HTTP on loopback.
        ssl_context: For https.

    Attributes:
        url: Where it listens.
        requests: The method, the target and the body of each request, in order.
        connections: How many connections were accepted.
    """

    def __init__(self, upstream: str, ssl_context: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.connections = 0
        self._upstream = urlsplit(upstream).netloc
        self._listener = Listener(0, ssl_context, self._respond)
        self._listener.connected = self._note_connection
        self.url = f"{'https' if ssl_context else 'http'}://127.0.0.1:{self._listener.server_address[1]}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        self._listener.hang_up()

    def _note_connection(self) -> None:
        self.connections += 1

    def _respond(self, target: str, request: Request, wire: Wire) -> bool:
        self.requests.append((wire.method, target, request.body))
        return wire.send(self._answer(wire.method, target, request))

    def _answer(self, method: str, target: str, request: Request) -> Reply:
        headers = {name: value for name, value in request.headers.items() if name not in _OF_ONE_HOP}
        connection = http.client.HTTPConnection(self._upstream, timeout=20)
        try:
            connection.request(method, target, body=request.body, headers=headers)
            answer = connection.getresponse()
            kept = tuple(each for each in answer.getheaders() if each[0].lower() not in _OF_ONE_HOP)
            return Reply(answer.status, kept, answer.read())
        finally:
            connection.close()
