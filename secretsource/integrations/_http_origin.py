"""Whom an address leads to. A secret is sent to the one it was meant for, and to nobody that a redirect names."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urljoin, urlsplit

__all__ = ["Origin", "origin_of"]

_PLAIN: Final = re.compile(r"[^\\\s\x00-\x1f]*")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who is sent a secret: scheme, host and port of an address."""

    scheme: str
    host: str
    port: int | None

    @classmethod
    def of(cls, scheme: str, host: str, port: int | None) -> Self:
        """Return the origin; without a port, it is the scheme's."""
        return cls(scheme, host, port or _PORTS.get(scheme))

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can listen: TLS, or this machine."""
        if self.scheme != "http" or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        """Return it as an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port != _PORTS.get(self.scheme) else "")


def origin_of(url: str, base: str = "") -> Origin | None:
    """Return whom *url* leads to, from *base* if it is relative; `None` if two readers could make two things of it."""
    if not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(urljoin(base, url))
        return Origin.of(parts.scheme, parts.hostname or "", parts.port)
    except ValueError:
        return None
