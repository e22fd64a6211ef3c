"""A stand-in for the mail service Pepipost: `POST /v5/mail/send` with the right `api_key`, and no more."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeGuard

from tests.servers._process import LOOPBACK

PATH = "/v5/mail/send"
_WANTED = ("from", "subject", "content", "personalizations")
_LARGEST_BODY = 1 << 20


def fingerprint(key: str) -> str:
    """Return what stands for *key* where the key itself must not appear."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Mail:
    """One accepted mail.

    Attributes:
        message_id: As answered.
        key: The fingerprint of the key it was sent with, never the key.
        body: The decoded JSON body.
    """

    message_id: str
    key: str
    body: dict[str, Any]


class Pepipost:
    """Listen on a free loopback port until stopped.

    Args:
        keys: The API keys that are good from the start.
    """

    def __init__(self, *, keys: Iterable[str] = ()) -> None:
        self._keys = set(keys)
        self._lock = threading.Lock()
        self._sent: list[Mail] = []
        self._refused = 0
        self._server = _Server(self)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="pepipost", daemon=True
        )
        self._thread.start()

    def accept(self, key: str) -> None:
        """Make *key* good."""
        with self._lock:
            self._keys.add(key)

    def revoke(self, key: str) -> None:
        """Make *key* useless at once."""
        with self._lock:
            self._keys.discard(key)

    @property
    def sent(self) -> list[Mail]:
        """The accepted mails, oldest first."""
        with self._lock:
            return list(self._sent)

    @property
    def refused(self) -> int:
        """How many requests had no key or a wrong one."""
        with self._lock:
            return self._refused

    def answer(self, key: str | None, raw: bytes) -> tuple[int, dict[str, object]]:
        """Decide on one request; the HTTP side only carries what this returns."""
        if not self._knows(key):
            return 401, _error("Invalid api_key", "api_key")
        body = _decoded(raw)
        if body is None:
            return 400, _error("The request body is not a JSON object", "body")
        missing = next((name for name in _WANTED if not body.get(name)), None)
        if missing:
            return 400, _error(f"{missing} is required", missing)
        return 202, self._take(key, body)

    def _knows(self, key: str | None) -> TypeGuard[str]:
        with self._lock:
            known = key in self._keys
            self._refused += not known
            return known

    def _take(self, key: str, body: dict[str, Any]) -> dict[str, object]:
        mail = Mail(message_id=secrets.token_hex(16), key=fingerprint(key), body=body)
        with self._lock:
            self._sent.append(mail)
        return {"data": {"message_id": mail.message_id}, "message": "OK", "status": "success"}

    def stop(self) -> None:
        """Close the port and wait for the thread. Safe to call twice."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


def _decoded(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _error(message: str, field: str) -> dict[str, object]:
    return {"error": [{"message": message, "field": field}], "message": "ERROR", "status": "error"}


class _Server(ThreadingHTTPServer):
    # An idle keep-alive connection of a client that was not closed must not hold up the end of a test.
    daemon_threads = True
    block_on_close = False
    # The default of 5 makes a burst of clients wait a second for the kernel to try again.
    request_queue_size = 128

    def __init__(self, service: Pepipost) -> None:
        self.service = service
        super().__init__((LOOPBACK, 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            self._send(400, _error("Content-Length is missing or too large", "body"))
            return
        raw = self.rfile.read(int(length))
        if self.path != PATH:
            self._send(404, _error("No such endpoint", "path"))
            return
        self._send(*self.server.service.answer(self.headers.get("api_key"), raw))

    def do_GET(self) -> None:
        self._send(405, _error("Use POST", "method"))

    def _send(self, status: int, body: dict[str, object]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        pass
