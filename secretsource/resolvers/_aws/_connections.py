"""botocore's connections with our bounds, and without redirects and, for plain http, without a proxy.

Imported when a client is built, as it imports botocore.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore import awsrequest
from botocore.httpsession import ProxyConfiguration

from secretsource.resolvers._connections import Bounded

if TYPE_CHECKING:
    import urllib3
    from botocore.httpsession import URLLib3Session

__all__ = ["secure"]


class _Connection(Bounded, awsrequest.AWSHTTPConnection):  # type: ignore[misc]
    pass


class _TLSConnection(Bounded, awsrequest.AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _NoRedirect:
    """urllib3 would make a GET of what a 303 answers, and stumble over botocore's headers."""

    def urlopen(self, *args: object, **more: object) -> urllib3.BaseHTTPResponse:
        return super().urlopen(*args, **{**more, "redirect": False})  # type: ignore[misc, no-any-return]


class _Pool(_NoRedirect, awsrequest.AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(_NoRedirect, awsrequest.AWSHTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS: Mapping[str, type[awsrequest.AWSHTTPConnectionPool | awsrequest.AWSHTTPSConnectionPool]] = {
    "http": _Pool,
    "https": _TLSPool,
}


class _Proxies:
    """The proxies of a session. Plain http goes to this machine or its neighbour, where no proxy belongs between."""

    def __init__(self, inner: ProxyConfiguration) -> None:
        self._inner = inner

    def proxy_url_for(self, url: str) -> str | None:
        """Return the proxy to *url*, or `None`."""
        return None if url.lower().startswith("http:") else self._inner.proxy_url_for(url)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def secure(session: URLLib3Session) -> None:
    """Let *session* make connections of ours, to servers and to proxies.

    botocore has no public way to it. If a place is ever gone, what it bounds stays as it is.
    """
    proxies = getattr(session, "_proxy_config", None)
    if isinstance(proxies, ProxyConfiguration):
        session._proxy_config = _Proxies(proxies)  # type: ignore[attr-defined]
    session._pool_classes_by_scheme = dict(_POOLS)  # type: ignore[attr-defined] # for proxies to come
    manager = getattr(session, "_manager", None)
    if manager is not None:
        manager.pool_classes_by_scheme = dict(_POOLS)
