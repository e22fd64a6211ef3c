"""A network in between: passes bytes on, those of the client some time late."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection


class _End(asyncio.Protocol):
    """One end of a connection; what it receives goes to the other end."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._pass_on, data)
        else:
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class _FromClient(_End):
    def __init__(self, port: int, delay: float) -> None:
        super().__init__(delay)
        self._port = port
        self._opening: asyncio.Task[None] | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        _, self.other = await loop.create_connection(lambda: _End(0.0), "127.0.0.1", self._port)
        self.other.other = self
        for data in self._early:
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
        else:
            super()._pass_on(data)


def serve(orders: Connection, port: int, delay: float) -> None:
    """Pass on to *port*, *delay* seconds late, until the other end of *orders* is closed; sends the own port first."""
    asyncio.run(_serve(orders, port, delay))


async def _serve(orders: Connection, port: int, delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _FromClient(port, delay), "127.0.0.1", 0, backlog=256)
    ended = loop.create_future()

    def end() -> None:
        loop.remove_reader(orders.fileno())
        ended.set_result(None)

    loop.add_reader(orders.fileno(), end)
    orders.send(server.sockets[0].getsockname()[1])
    await ended
