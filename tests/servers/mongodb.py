"""A stand-in for MongoDB on loopback: its wire protocol, logins by SCRAM-SHA-256, and a command or two.

No package brings a real server. What pymongo sends and checks is its own: it computes the proof, and looks at the
server's signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import socketserver
import struct
import threading
from typing import Any, Self

import bson

from tests.servers._process import LOOPBACK

__all__ = ["MongoDB"]

_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013
_ITERATIONS = 4096
_HELLO = {
    "ok": 1.0,
    "helloOk": True,
    "isWritablePrimary": True,
    "ismaster": True,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "maxBsonObjectSize": 16777216,
    "maxMessageSizeBytes": 48000000,
    "maxWriteBatchSize": 100000,
    "logicalSessionTimeoutMinutes": 30,
    "readOnly": False,
}


class MongoDB:
    """Take logins of the users in `passwords`, and count logins and commands.

    Attributes:
        passwords: What each user logs in with; a change counts from the next login, as with a real one.
        refused: How many logins were refused.
        port: Where it listens.
    """

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}
        self.refused = 0
        self.logged_in: list[str] = []
        self._open: set[socket.socket] = set()
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.mongodb = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def kill_clients(self) -> None:
        """Close every connection."""
        for each in list(self._open):
            each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for each in list(self._open):
            each.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    mongodb: MongoDB

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that end."""


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def setup(self) -> None:
        self.user: str | None = None
        self.scram: _Scram | None = None
        self.server.mongodb._open.add(self.request)

    def finish(self) -> None:
        self.server.mongodb._open.discard(self.request)

    def handle(self) -> None:
        while True:
            length, number, _, code = struct.unpack("<iiii", self._read(16))
            body = self._read(length - 16)
            if code == _OP_QUERY:
                start = body.index(b"\0", 4) + 9
                answer = self._answer(
                    bson.decode(body[start : start + struct.unpack_from("<i", body, start)[0]])
                )
                payload = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(answer)
                self._send(number, _OP_REPLY, payload)
            else:
                size = struct.unpack_from("<i", body, 5)[0]
                answer = self._answer(bson.decode(body[5 : 5 + size]))
                self._send(number, _OP_MSG, struct.pack("<iB", 0, 0) + bson.encode(answer))

    def _read(self, size: int) -> bytes:
        read = b""
        while len(read) < size:
            piece = self.request.recv(size - len(read))
            if not piece:
                raise ConnectionError
            read += piece
        return read

    def _send(self, number: int, code: int, payload: bytes) -> None:
        self.request.sendall(struct.pack("<iiii", len(payload) + 16, 1, number, code) + payload)

    def _answer(self, command: dict[str, Any]) -> dict[str, Any]:
        name = next(iter(command))
        if name in ("hello", "ismaster", "isMaster"):
            return {**_HELLO, "connectionId": 1, "saslSupportedMechs": ["SCRAM-SHA-256"]}
        if name == "saslStart":
            self.scram = _Scram(self.server.mongodb.passwords, command["payload"])
            return {"ok": 1.0, "conversationId": 1, "done": False, "payload": self.scram.challenge}
        if name == "saslContinue":
            return self._log_in(command["payload"])
        if name == "endSessions":
            return {"ok": 1.0}
        if self.user is None:
            return {
                "ok": 0.0,
                "code": 13,
                "codeName": "Unauthorized",
                "errmsg": f"command {name} requires a login",
            }
        if name == "connectionStatus":
            return {"ok": 1.0, "authInfo": {"authenticatedUsers": [{"user": self.user, "db": "admin"}]}}
        if name in ("find", "aggregate"):
            batch = [{"_id": 1, "n": 1}]  # of an aggregate, which counting documents is
            return {"ok": 1.0, "cursor": {"firstBatch": batch, "id": 0, "ns": "shop.orders"}}
        return {"ok": 1.0, "n": 0}

    def _log_in(self, payload: bytes) -> dict[str, Any]:
        mongodb = self.server.mongodb
        signature = self.scram and self.scram.verified(payload)
        if self.scram is None or signature is None:
            mongodb.refused += 1
            return {
                "ok": 0.0,
                "code": 18,
                "codeName": "AuthenticationFailed",
                "errmsg": "Authentication failed.",
            }
        self.user = self.scram.user
        mongodb.logged_in.append(self.user)
        return {"ok": 1.0, "conversationId": 1, "done": True, "payload": signature}


class _Scram:
    """One conversation of RFC 7677."""

    def __init__(self, passwords: dict[str, str], payload: bytes) -> None:
        self._bare = payload.decode().removeprefix("n,,")
        said = dict(part.split("=", 1) for part in self._bare.split(","))
        self.user = said["n"]
        self._nonce = said["r"] + secrets.token_urlsafe(12)
        salt = secrets.token_bytes(28)
        self._first = f"r={self._nonce},s={base64.b64encode(salt).decode()},i={_ITERATIONS}"
        self.challenge = self._first.encode()
        # An unknown user is refused at the end, as with a real one.
        password = passwords.get(self.user, secrets.token_hex())
        self._salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)

    def verified(self, payload: bytes) -> bytes | None:
        """Return the server's signature if the client's proof is right."""
        without_proof, _, proof = payload.decode().rpartition(",p=")
        message = f"{self._bare},{self._first},{without_proof}".encode()
        client_key = _hmac(self._salted, b"Client Key")
        signature = _hmac(hashlib.sha256(client_key).digest(), message)
        wanted = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        if not hmac.compare_digest(wanted, base64.b64decode(proof)):
            return None
        return b"v=" + base64.b64encode(_hmac(_hmac(self._salted, b"Server Key"), message))


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, "sha256").digest()
