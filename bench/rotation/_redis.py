"""Clients of Redis: through secretsource, and with a login that is read once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio

from bench.rotation._load import AClient, ARequest, Client, Request
from bench.rotation._places import PASSWORD, USER, Rotation
from secretsource.integrations.redis import SecretCredentialProvider
from tests.servers._process import LOOPBACK


@dataclass(frozen=True, slots=True)
class RedisClients:
    """redis-py, whose connections are closed by the server at each rotation.

    Args:
        port: Where the server listens.
        rotation: Where the login is kept.
        ours: Whether they log in through secretsource.
    """

    port: int
    rotation: Rotation
    ours: bool

    def clients(self) -> list[Client]:
        """Return those for threads."""
        return [self._client]

    def aclients(self) -> list[AClient]:
        """Return those for coroutines."""
        return [self._aclient]

    def _login(self, *, asynchronous: bool) -> dict[str, Any]:
        if not self.ours:
            fields = self.rotation.store.get_fields("db/primary")
            return {"username": str(fields["username"]), "password": str(fields["password"])}
        login = SecretCredentialProvider(PASSWORD, user=USER, store=self.rotation.store)
        connect = login.connect_async if asynchronous else login.connect
        return {"credential_provider": login, "redis_connect_func": connect}

    @contextmanager
    def _client(self) -> Iterator[Request]:
        with redis.Redis(host=LOOPBACK, port=self.port, **self._login(asynchronous=False)) as client:
            yield lambda: client.incr("requests")

    @asynccontextmanager
    async def _aclient(self) -> AsyncIterator[ARequest]:
        # By default a hundred connections are the most, and more coroutines are an error.
        settings = self._login(asynchronous=True) | {"max_connections": 300}
        async with redis.asyncio.Redis(host=LOOPBACK, port=self.port, **settings) as client:
            yield lambda: client.incr("requests")
