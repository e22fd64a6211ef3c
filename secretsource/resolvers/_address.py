"""The address of a backend: checked when a resolver is built, and taken apart once."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from secretsource._reference import shown
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError

__all__ = ["Address", "hidden", "parse_address"]

_PORTS = {"http": 80, "https": 443}
_NOT_PLAIN = ("//", "%", "/./", "/../")  # would mean another path to whoever normalises it


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a backend listens. Holds no credential.

    Attributes:
        scheme: ``https``, or ``http`` to loopback.
        host: Without brackets.
        port: The port, also where the address leaves it out.
        path: What stands before every path, such as ``/api``; empty or without a slash at its end.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def tls(self) -> bool:
        """Whether connections to it are verified TLS."""
        return self.scheme == "https"

    @property
    def where(self) -> str:
        """``host:port``, as messages show it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """``scheme://host:port``."""
        return f"{self.scheme}://{self.where}"

    def __str__(self) -> str:
        """Return origin and path."""
        return self.origin + self.path


def hidden(text: str | None) -> str | None:
    """Return *text* masked: until it is checked, an address may hold a password, which a traceback would show."""
    return MaskedStr(text) if isinstance(text, str) else text


def parse_address(text: object, setting: str) -> Address:
    """Return the address that *text* is.

    Args:
        text: The address, as the configuration has it.
        setting: What to call it in messages, such as ``the address under [resolvers.vault]``.

    Raises:
        ConfigError: It is none, or one that no credential may be sent to. Of the text, only a host is quoted: what
            else is wrong with it may be a password.
    """
    text = MaskedStr(text) if isinstance(text, str) else text
    if not isinstance(text, str) or not text.isprintable() or " " in text:
        raise _no_address(setting)
    if any(mark in text for mark in "@?#"):
        raise ConfigError(f"{setting} must not hold credentials, a query or a fragment")
    address = _taken_apart(text)
    if address is None:
        raise _no_address(setting)
    if not address.tls and not _is_loopback(address.host):
        raise ConfigError(
            f"{setting} is http on {shown(address.host)}: secrets would cross the network in the clear; "
            "use https (http only to loopback)"
        )
    return address


def _no_address(setting: str) -> ConfigError:
    return ConfigError(f"{setting} is no address: write it like https://host or https://host:port")


def _taken_apart(text: str) -> Address | None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    path = parts.path.rstrip("/")
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        return None
    if any(mark in f"{path}/" for mark in _NOT_PLAIN):
        return None
    return Address(scheme=parts.scheme, host=parts.hostname, port=port or _PORTS[parts.scheme], path=path)


def _is_loopback(host: str) -> bool:
    if host == "localhost":  # names below it may be asked of a name server
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
