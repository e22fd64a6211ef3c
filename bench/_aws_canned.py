"""A small AWS Secrets Manager: the same for every secret, at once or late, or a failure; it counts what it is asked.

moto takes 2 ms for an answer, most of what a client's read would be measured to take. This one takes a tenth of that.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from multiprocessing.connection import Connection
from typing import Any

NAME = "bench/token"
VERSION = "11111111-2222-3333-4444-555555555555"
_BATCH = "BatchGetSecretValue"
_ANY = b'"bench"'  # the name in an answer, in the place of which the one that was asked for is put
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:bench-AbCdEf"


def answers(value: str) -> dict[str, dict[str, Any]]:
    """Return the answer to each operation, for a secret whose member `token` is *value*."""
    text = json.dumps({"token": value})
    return {
        "GetSecretValue": {
            "ARN": ARN,
            "Name": "bench",
            "VersionId": VERSION,
            "SecretString": text,
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": 1.7e9,
        },
        "DescribeSecret": {
            "ARN": ARN,
            "Name": "bench",
            "VersionIdsToStages": {VERSION: ["AWSCURRENT"]},
            "CreatedDate": 1.7e9,
        },
    }


class _State:
    def __init__(self, value: str) -> None:
        self.delay = 0.0
        self.failing = False
        self.calls: Counter[str] = Counter()
        self.first = self.last = 0.0
        self._bodies = {name: json.dumps(body).encode() for name, body in answers(value).items()}

    def reply(self, operation: str, asked: bytes) -> bytes:
        self.first = self.first or time.perf_counter()
        self.calls[operation] += 1
        if self.failing:
            return _reply(b"500 Internal Server Error", b'{"__type":"InternalServiceError","Message":"down"}')
        body = self._batch(asked) if operation == _BATCH else self._one(operation, asked)
        return _reply(b"200 OK", body)

    def _one(self, operation: str, asked: bytes) -> bytes:
        name = json.dumps(json.loads(asked).get("SecretId")).encode()
        return self._bodies.get(operation, b"{}").replace(_ANY, name, 1)

    def _batch(self, asked: bytes) -> bytes:
        one = json.loads(self._bodies["GetSecretValue"])
        names = json.loads(asked)["SecretIdList"]
        return json.dumps({"SecretValues": [one | {"Name": name} for name in names]}).encode()


def _reply(status: bytes, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 %b\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n"
        b"x-amzn-RequestId: 11111111-2222-3333-4444-555555555555\r\n\r\n%b" % (status, len(body), body)
    )


class _Connection(asyncio.Protocol):
    def __init__(self, state: _State) -> None:
        self._state = state
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._pending += data
        head, end, rest = self._pending.partition(b"\r\n\r\n")
        if not end:
            return
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        if len(rest) < length:
            return
        self._pending = rest[length:]
        target = head[head.lower().index(b"x-amz-target:") :].split(b"\r\n", 1)[0]
        self._answer(target.rpartition(b".")[2].decode(), rest[:length])

    def _answer(self, operation: str, asked: bytes) -> None:
        reply = self._state.reply(operation, asked)
        if self._state.delay:
            asyncio.get_running_loop().call_later(self._state.delay, self._write, reply)
        else:
            self._write(reply)

    def _write(self, reply: bytes) -> None:
        self._state.last = time.perf_counter()
        if not self._transport.is_closing():
            self._transport.write(reply)


def serve(orders: Connection, value: str) -> None:
    """Serve until the other end of *orders* is closed; runs in a process of its own.

    Args:
        orders: Gets the port. An order is `(delay, failing)`; its answer is what was asked since the last one, and the
            seconds from the first request in to the last answer out.
        value: The secret.
    """
    asyncio.run(_serve(orders, value))


async def _serve(orders: Connection, value: str) -> None:
    loop = asyncio.get_running_loop()
    state = _State(value)
    server = await loop.create_server(lambda: _Connection(state), "127.0.0.1", 0, backlog=256)
    ended = loop.create_future()

    def obey() -> None:
        try:
            state.delay, state.failing = orders.recv()
        except EOFError:
            loop.remove_reader(orders.fileno())
            ended.set_result(None)
            return
        orders.send((dict(state.calls), state.last - state.first))
        state.calls.clear()
        state.first = state.last = 0.0

    loop.add_reader(orders.fileno(), obey)
    orders.send(server.sockets[0].getsockname()[1])
    await ended
