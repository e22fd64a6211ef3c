"""Clients of an HTTP service: through secretsource, and with a key that is read once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import httpx
import httpx2
import requests
from requests.adapters import HTTPAdapter

from bench.rotation._load import AClient, ARequest, Client, Request
from bench.rotation._places import PASSWORD, Rotation
from secretsource.integrations import httpx as our_httpx
from secretsource.integrations import httpx2 as our_httpx2
from secretsource.integrations import requests as our_requests

_MANY = 300  # connections: each worker may have one


@dataclass(frozen=True, slots=True)
class HttpClients:
    """The HTTP clients; each one keeps its connections.

    Args:
        url: Of the service.
        rotation: Where the key is kept.
        ours: Whether the clients have it from secretsource.
    """

    url: str
    rotation: Rotation
    ours: bool

    def clients(self) -> list[Client]:
        """Return those for threads."""
        return [self._httpx, self._requests]

    def aclients(self) -> list[AClient]:
        """Return those for coroutines."""
        return [lambda: self._ahttpx(httpx, our_httpx), lambda: self._ahttpx(httpx2, our_httpx2)]

    def _settings(self, integration: ModuleType) -> dict[str, Any]:
        if self.ours:
            return {"auth": integration.HeaderAuth("api_key", PASSWORD, store=self.rotation.store)}
        return {"headers": {"api_key": str(self.rotation.store.get(PASSWORD).value)}}

    @contextmanager
    def _httpx(self) -> Iterator[Request]:
        with httpx.Client(timeout=30, **self._settings(our_httpx)) as client:
            yield lambda: client.get(self.url).raise_for_status()

    @contextmanager
    def _requests(self) -> Iterator[Request]:
        with requests.Session() as session:
            session.mount(self.url, HTTPAdapter(pool_maxsize=_MANY))
            for name, value in self._settings(our_requests).items():
                setattr(session, name, value)
            yield lambda: session.get(self.url, timeout=30).raise_for_status()

    @asynccontextmanager
    async def _ahttpx(self, client_of: ModuleType, integration: ModuleType) -> AsyncIterator[ARequest]:
        limits = client_of.Limits(max_connections=_MANY, max_keepalive_connections=_MANY)
        async with client_of.AsyncClient(timeout=30, limits=limits, **self._settings(integration)) as client:

            async def request() -> object:
                return (await client.get(self.url)).raise_for_status()

            yield request
