"""How requests reach Conjur: kept, verified connections, no redirect, no retry, every answer bounded.

This is the one module of the resolver that imports urllib3; it is imported when the first request is made.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import urllib3

from secretsource._deadline import Deadline
from secretsource.errors import BackendUnavailable, ConfigError, Reason, ResolverError, resolver_error
from secretsource.resolvers._urllib3 import MAX_BODY_OVERHEAD, read_body, reason_of
from secretsource.resolvers.conjur._answers import Reply
from secretsource.resolvers.conjur._connections import POOLS
from secretsource.resolvers.conjur._settings import Authority, Server

__all__ = ["Request", "Transport"]

_CONNECTIONS = 16  # kept for each server: as many as the store makes calls at once
_SHORTEST = 0.05  # seconds; a timeout of 0 would mean "do not block"
_LONGEST = 3600.0  # seconds, for a deadline that never ends

# After these, and after no other status, the body is read and the connection is used again. Anything else is not
# Conjur's, and may be followed by bytes that would be taken for the next answer: another secret.
_READ = frozenset({200, 401, 403, 404, 406, 422, 500})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. Its repr shows neither headers nor body.

    Attributes:
        method: ``GET`` or ``POST``.
        path: The path below the address, with its query, percent-encoded.
        headers: All headers but the length.
        body: The body, or `None`.
        limit: The most bytes that a 200 may have.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    limit: int


class Transport:
    """The kept connections of one process to Conjur's addresses."""

    def __init__(self, servers: tuple[Server, ...], authority: Authority) -> None:
        """Prepare the pools; nothing is connected yet.

        Raises:
            ConfigError: The authority's certificates cannot be loaded.
        """
        context = _context(authority) if any(server.tls for server in servers) else None
        self._pools = [(server, _pool(server, context)) for server in servers]

    def close(self) -> None:
        """Close the connections that are not in use."""
        for _, pool in self._pools:
            pool.close()

    def exchange(self, request: Request, deadline: Deadline) -> Reply | ResolverError:
        """Send a request once to the first address that can answer, and return the answer.

        Why there is none is returned, not raised: no frame that holds a key or token is part of a traceback. With
        several addresses each gets its part of the time that is left, and the one that answered is tried first from
        then on.
        """
        pools = list(self._pools)
        outcome: Reply | ResolverError = resolver_error(Reason.SERVER)
        for left, (server, pool) in zip(range(len(pools), 0, -1), pools, strict=True):
            part = deadline if left == 1 else Deadline(deadline.remaining / left)
            outcome = _once(server, pool, request, part)
            if not _is_down(outcome):
                self._prefer(server)
                break
        return outcome

    def _prefer(self, server: Server) -> None:
        if self._pools[0][0] is not server:
            self._pools = sorted(self._pools, key=lambda known: known[0] is not server)


def _is_down(outcome: Reply | ResolverError) -> bool:
    if isinstance(outcome, Reply):
        return outcome.status >= 500
    return isinstance(outcome, BackendUnavailable) and outcome.reason is not Reason.TLS


def _once(
    server: Server, pool: urllib3.HTTPConnectionPool, request: Request, deadline: Deadline
) -> Reply | ResolverError:
    try:
        response = pool.urlopen(
            request.method,
            server.path + request.path,
            body=request.body,
            headers=request.headers,
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(total=min(max(deadline.remaining, _SHORTEST), _LONGEST)),
            preload_content=False,
        )
        return _reply(response, server.endpoint, request.limit, deadline)
    except ResolverError as error:
        return resolver_error(
            error.reason, f"{server.endpoint}: {error.detail}" if error.detail else server.endpoint
        )
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        return resolver_error(reason_of(error), server.endpoint + _through(pool))


def _reply(response: urllib3.BaseHTTPResponse, endpoint: str, limit: int, deadline: Deadline) -> Reply:
    body = b""
    if response.status == 200:
        body = read_body(response, limit=limit, deadline=deadline)
    elif response.status in _READ:
        body = _body_of_failure(response, deadline)
    else:
        response.close()
    return Reply(status=response.status, headers=response.headers, body=body, endpoint=endpoint)


def _body_of_failure(response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
    """Return the body, or nothing if it is longer than Conjur's are: the status says enough."""
    try:
        return read_body(response, limit=MAX_BODY_OVERHEAD, deadline=deadline)
    except ResolverError:
        return b""


def _context(authority: Authority) -> ssl.SSLContext:
    try:
        # With an authority of its own the context does not load the system's store.
        return ssl.create_default_context(cafile=authority.file, cadata=authority.pem)
    except (OSError, ValueError):
        pass  # told below, outside the handler
    raise ConfigError("the certificates that Conjur is trusted by cannot be loaded: check ca_file")


def _pool(server: Server, context: ssl.SSLContext | None) -> urllib3.HTTPConnectionPool:
    manager = _manager(server, context)
    manager.pool_classes_by_scheme = dict(POOLS)
    return manager.connection_from_url(server.url)


def _manager(server: Server, context: ssl.SSLContext | None) -> urllib3.PoolManager:
    if not server.tls:
        return urllib3.PoolManager(maxsize=_CONNECTIONS)
    host = urlsplit(server.url).hostname or ""
    proxy = urllib.request.getproxies().get("https")
    if not proxy or urllib.request.proxy_bypass(host):
        return urllib3.PoolManager(maxsize=_CONNECTIONS, ssl_context=context)
    return urllib3.ProxyManager(
        _proxy_address(proxy), proxy_headers=_proxy_login(proxy), maxsize=_CONNECTIONS, ssl_context=context
    )


def _proxy_address(proxy: str) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"


def _proxy_login(proxy: str) -> Mapping[str, str] | None:
    parts = urlsplit(_proxy_address(proxy))
    if parts.username is None:
        return None
    return urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")


def _through(pool: urllib3.HTTPConnectionPool) -> str:
    return f" through the proxy {pool.proxy.host}:{pool.proxy.port}" if pool.proxy is not None else ""
