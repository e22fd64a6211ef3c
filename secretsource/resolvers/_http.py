"""Requests to one address: kept, verified connections, no redirect, no retry, every answer bounded in time and size.

Imported when the first request is made, as it imports urllib3.
"""

from __future__ import annotations

import contextlib
import http.client
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import urllib3

from secretsource._deadline import Deadline
from secretsource._fork import whole_import
from secretsource._secret import MaskedBytes
from secretsource.errors import ConfigError, Reason, ResolverError, resolver_error
from secretsource.resolvers._address import Address
from secretsource.resolvers._authority import Authority
from secretsource.resolvers._pools import open_pools
from secretsource.resolvers._reasons import reason_of, why_tls_failed
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD, Reply

__all__ = ["POOL_SIZE", "Connections", "Request", "timeout_of"]

POOL_SIZE = 16  # as many as the store makes calls at once
_SHORTEST = 0.05  # seconds; a timeout of 0 would mean "do not block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. Its repr shows neither headers nor body.

    Attributes:
        method: An HTTP method.
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


class Connections:
    """The kept connections of one process to one address.

    At most `POOL_SIZE` requests are under way; a thread that finds so many waits until its deadline.
    """

    def __init__(self, address: Address, authority: Authority) -> None:
        """Prepare them; nothing is connected yet.

        Raises:
            ConfigError: The authority's certificates cannot be loaded, or the proxy of the environment cannot be used.
        """
        self.address = address
        self._authority = authority
        self._places = threading.BoundedSemaphore(POOL_SIZE)
        self._reopening = threading.Lock()
        self._stamp = authority.stamp()
        self._pools = open_pools(address, authority, POOL_SIZE)
        self._pool = self._open()

    def close(self) -> None:
        """Close the connections that nobody uses at the moment, and keep no other."""
        self._pools.clear()
        self._pool = self._open()  # the old one closes its connections when the last request lets go of it

    def exchange(self, request: Request, deadline: Deadline) -> Reply | ResolverError:
        """Send a request once and read the answer.

        Why there is none is returned, not raised: no frame that holds a credential or a value is part of a traceback.

        Args:
            request: What to send.
            deadline: When the answer must be complete.
        """
        if not self._places.acquire(timeout=timeout_of(deadline)):
            return resolver_error(
                Reason.TIMEOUT, f"all {POOL_SIZE} connections to {self.address.where} are in use"
            )
        outside = sys.exception()
        try:
            if deadline.expired:
                return resolver_error(Reason.TIMEOUT, f"no time was left to ask {self.address.where}")
            self._follow_files()
            return self._exchange(request, deadline)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            why = why_tls_failed(error, outside)
            where = self.address.where + self._through()
            return resolver_error(reason_of(error, outside), f"{where}: {why}" if why else where)
        finally:
            self._places.release()

    def _exchange(self, request: Request, deadline: Deadline) -> Reply | ResolverError:
        response = self._pool.urlopen(
            request.method,
            self.address.path + request.path,
            body=request.body,
            headers=request.headers,
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(total=timeout_of(deadline)),
            preload_content=False,
        )
        good = response.status == 200
        body = _read(response, request.limit if good else MAX_BODY_OVERHEAD)
        if body is None and good:
            return resolver_error(Reason.BROKEN, f"{self.address.where}: more than {request.limit} bytes")
        return Reply(
            status=response.status,
            headers=response.headers,
            body=body or MaskedBytes(),
            where=self.address.where,
        )

    def _follow_files(self) -> None:
        """Where certificates have changed, use new connections with the new ones.

        A kept connection would go on to show the old one. What is being written, so that it cannot be loaded, is left
        until it changes again, and the old is used meanwhile.
        """
        if not self.address.tls or self._authority.stamp() == self._stamp:
            return
        with self._reopening, whole_import(), contextlib.suppress(ConfigError):
            stamp = self._authority.stamp()
            if stamp != self._stamp:
                self._stamp = stamp
                self._pools = open_pools(self.address, self._authority, POOL_SIZE)
                self._pool = self._open()

    def _open(self) -> urllib3.HTTPConnectionPool:
        return self._pools.connection_from_host(
            self.address.host, self.address.port, scheme=self.address.scheme
        )

    def _through(self) -> str:
        proxy = self._pool.proxy
        return f" through the proxy {proxy.host}:{proxy.port}" if proxy is not None else ""


def _read(response: urllib3.BaseHTTPResponse, limit: int) -> MaskedBytes | None:
    """Return the body; `None`, with the connection closed, if it is too long or the status is one that brings none.

    No backend of ours sends such a status. What does may send bytes behind it, which would be taken for the next
    answer: another secret.
    """
    whole = None
    if response.status == 200 or response.status >= 400:
        body = MaskedBytes(response.read(limit + 1))
        whole = body if len(body) <= limit else None
    if whole is None:
        response.close()
    return whole


def timeout_of(deadline: Deadline) -> float:
    """Return what is left as a timeout, in seconds."""
    return max(deadline.remaining, _SHORTEST)
