"""Where Conjur is and which authority it is trusted by: from settings, else from the variables of Conjur's own clients.

The variables are those that Conjur's clients share: ``CONJUR_APPLIANCE_URL``, ``CONJUR_ACCOUNT``,
``CONJUR_CERT_FILE`` (a path) and ``CONJUR_SSL_CERTIFICATE`` (the PEM text itself, which wins over the path as it does
in Conjur's Go client).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from secretsource._reference import shown
from secretsource.errors import ConfigError

__all__ = ["Authority", "Server", "account_of", "authority_of", "checked_prefix", "servers_of"]

_PEM = "-----BEGIN CERTIFICATE-----"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One address of Conjur.

    Attributes:
        url: Scheme, host and port.
        endpoint: Host and port, for messages.
        path: What stands before every path, such as ``/api``; empty or without a slash at its end.
    """

    url: str
    endpoint: str
    path: str

    @property
    def tls(self) -> bool:
        """Whether connections to it are verified TLS."""
        return self.url.startswith("https:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Who vouches for the server: a file or PEM text, which replaces the system's store; neither: that store."""

    file: str | None = None
    pem: str | None = None


def servers_of(url: str | Sequence[str] | None) -> tuple[Server, ...]:
    """Return the addresses, in the order they are tried.

    Raises:
        ConfigError: There is none, or one is no address that a key may be sent to.
    """
    given = os.environ.get("CONJUR_APPLIANCE_URL", "") if url is None else url
    urls = [given] if isinstance(given, str) else list(given)
    if not urls or urls == [""]:
        raise ConfigError("Conjur's address is missing: set url, or the variable CONJUR_APPLIANCE_URL")
    return tuple(_server(one) for one in urls)


def account_of(account: str | None) -> str:
    """Return the account.

    Raises:
        ConfigError: It is given neither way.
    """
    found = os.environ.get("CONJUR_ACCOUNT", "") if account is None else account
    if not isinstance(found, str) or not found.strip():
        raise ConfigError("Conjur's account is missing: set account, or the variable CONJUR_ACCOUNT")
    return found


def authority_of(ca_file: str | os.PathLike[str] | None) -> Authority:
    """Return who vouches for the server.

    Raises:
        ConfigError: The file cannot be read, or holds no certificate in PEM form.
    """
    if ca_file is not None:
        return Authority(file=_checked_file(os.fspath(ca_file), "ca_file"))
    if pem := os.environ.get("CONJUR_SSL_CERTIFICATE", ""):
        return Authority(pem=_checked_pem(pem, "the variable CONJUR_SSL_CERTIFICATE"))
    if path := os.environ.get("CONJUR_CERT_FILE", ""):
        return Authority(file=_checked_file(path, "the variable CONJUR_CERT_FILE"))
    return Authority()


def checked_prefix(prefix: str) -> str:
    """Return what is written before each name.

    Raises:
        ConfigError: It is no beginning of an id.
    """
    if not isinstance(prefix, str) or not prefix.isprintable() or prefix.startswith("/") or "//" in prefix:
        raise ConfigError(f"prefix {shown(prefix)} is no beginning of a variable's id; write it like 'prod/'")
    if any(segment in {".", ".."} for segment in prefix.split("/")):
        raise ConfigError(f"prefix {shown(prefix)} has a segment '.' or '..'")
    return prefix


def _server(url: str) -> Server:
    parts, port = _split(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigError(
            f"url {shown(url)} is no address of Conjur; write it like 'https://conjur.example.com'"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigError(
            f"url {shown(url)} would send the key in the clear: use https (http only to loopback)"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    endpoint = f"{host}:{port or _PORTS[parts.scheme]}"
    return Server(url=f"{parts.scheme}://{endpoint}", endpoint=endpoint, path=parts.path.rstrip("/"))


def _split(url: str) -> tuple[SplitResult, int | None]:
    if not isinstance(url, str):
        raise ConfigError(f"url must be a str or a list of them, not {shown(url)}")
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    if "@" in url or parts.query or parts.fragment:
        # Not shown: it may hold a password.
        raise ConfigError(
            "url must not hold credentials, a query or a fragment; credentials belong into auth"
        )
    return parts, port


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_file(path: str, setting: str) -> str:
    try:
        text = Path(path).read_text("utf-8", "replace")
    except OSError as error:
        reason = error.strerror or "unreadable"
    else:
        _checked_pem(text, f"{setting} {shown(path)}")
        return path
    raise ConfigError(f"{setting}: {shown(path)} cannot be read ({reason})")


def _checked_pem(text: str, setting: str) -> str:
    if _PEM not in text:
        raise ConfigError(f"{setting} holds no certificate in PEM form ({_PEM})")
    return text
