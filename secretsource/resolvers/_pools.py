"""The pool of connections to an address: straight, or through the proxy that the environment names."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import urllib3

from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError
from secretsource.resolvers._address import Address
from secretsource.resolvers._authority import Authority
from secretsource.resolvers._connections import POOLS

__all__ = ["open_pools"]


def open_pools(address: Address, authority: Authority, size: int) -> urllib3.PoolManager:
    """Return what makes the pool for *address*, through the proxy that the environment names.

    Args:
        address: The address; plain http never leaves the machine, so it knows no proxy.
        authority: Who vouches for it.
        size: How many connections are kept.

    Raises:
        ConfigError: The certificates cannot be loaded, or the proxy cannot be used.
    """
    context = authority.context() if address.tls else None
    proxy = _proxy_for(address)
    try:
        pools = (
            urllib3.PoolManager(maxsize=size, ssl_context=context)
            if proxy is None
            else urllib3.ProxyManager(
                proxy, proxy_headers=_proxy_login(proxy), maxsize=size, ssl_context=context
            )
        )
    except ValueError:
        pass
    else:
        pools.pool_classes_by_scheme = dict(POOLS)
        return pools
    raise ConfigError(
        f"the proxy in HTTPS_PROXY cannot be used for {address.where}: write it like http://host:port"
    )


def _proxy_for(address: Address) -> MaskedStr | None:
    """Return the proxy, masked: its password would be shown by a traceback."""
    if not address.tls or any(map(urllib.request.proxy_bypass, (address.where, address.host))):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy:
        return None
    return MaskedStr(proxy if "://" in proxy else f"http://{proxy}")


def _proxy_login(proxy: str) -> Mapping[str, str] | None:
    parts = urlsplit(proxy)
    if parts.username is None:
        return None
    return urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
