"""Requests to one Vault server: kept connections, no redirects, bounded bodies, nothing raised that holds a token."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Mapping

import urllib3

from secretsource._deadline import Deadline
from secretsource._secret import MaskedBytes
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._retry import retry_after
from secretsource.resolvers._urllib3 import MAX_BODY_OVERHEAD, read_body, reason_of
from secretsource.resolvers.vault._reply import Reply
from secretsource.resolvers.vault._settings import Settings

__all__ = ["POOL_SIZE", "Transport"]

POOL_SIZE = 16
_LEAST = 0.05  # seconds: a timeout of 0 would mean "do not block", a negative one is an error
_MOST = 3600.0


class Transport:
    """The connections of one process to one server.

    At most `POOL_SIZE` requests are under way; a thread that finds all in use waits until its deadline.

    Args:
        settings: Where the server is.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._manager = _manager(settings)

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Reply:
        """Send one request and read the answer; a failure is returned and not raised.

        The caller is a method of hvac, whose local variables hold credentials: an exception would carry its frame.

        Args:
            method: An HTTP method.
            target: The path, percent-encoded, with its query.
            headers: All headers to send.
            body: The body, or `None`.
            deadline: When the answer must be complete.
        """
        where = self.settings.where
        try:
            return self._exchange(method, target, headers, body, deadline)
        except ResolverError as error:
            return Reply(failure=resolver_error(error.reason, f"{where}: {error.detail}".rstrip(": ")))
        except urllib3.exceptions.EmptyPoolError:
            return Reply(
                failure=resolver_error(Reason.TIMEOUT, f"all {POOL_SIZE} connections to {where} are in use")
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Reply(failure=resolver_error(reason_of(error), where))

    def _exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Reply:
        seconds = _timeout(deadline)
        response = self._manager.urlopen(
            method,
            self.settings.origin + target,
            body=body,
            headers=headers,
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=seconds, read=seconds),
            pool_timeout=seconds,
        )
        try:
            return self._read(response, deadline)
        finally:
            response.release_conn()  # Also a connection that was closed gives its place in the pool back.

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> Reply:
        connection = response.connection
        if connection is not None and (sock := getattr(connection, "sock", None)) is not None:
            sock.settimeout(_timeout(deadline))  # The head took its part of the time.
        limit = self.settings.max_bytes + MAX_BODY_OVERHEAD
        raw = read_body(response, limit=limit, deadline=deadline)
        return Reply(
            status=response.status,
            body=MaskedBytes(raw),
            target=response.headers.get("Location", ""),
            retry_after=retry_after(response.headers.get("Retry-After")),
        )

    def close(self) -> None:
        """Close the connections that nobody uses at the moment, and forget the rest."""
        self._manager.clear()


def _timeout(deadline: Deadline) -> float:
    return min(max(deadline.remaining, _LEAST), _MOST)


def _manager(settings: Settings) -> urllib3.PoolManager:
    context = ssl.create_default_context(cafile=settings.ca_file) if settings.scheme == "https" else None
    proxy = _proxy_for(settings)
    if proxy is None:
        return urllib3.PoolManager(1, maxsize=POOL_SIZE, block=True, ssl_context=context)
    auth = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=auth) if auth else None
    return urllib3.ProxyManager(
        proxy, 1, proxy_headers=headers, maxsize=POOL_SIZE, block=True, ssl_context=context
    )


def _proxy_for(settings: Settings) -> str | None:
    """Return the proxy that the environment names, or `None`; plain http never leaves the machine."""
    if settings.scheme == "http" or urllib.request.proxy_bypass(settings.where):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"
