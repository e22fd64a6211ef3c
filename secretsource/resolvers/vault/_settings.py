"""Where the Vault server is, checked when the resolver is built: address, namespace, certificate authority."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from secretsource._reference import shown
from secretsource.errors import ConfigError

__all__ = ["Settings", "read_settings", "variable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is needed to reach one server. Holds no credential.

    Attributes:
        scheme: ``https``, or ``http`` for loopback.
        host: Without brackets.
        port: The port, also where the address leaves it out.
        base: A path before ``/v1``, or empty.
        namespace: The namespace, or `None` for the root.
        ca_file: The only authority to trust, or `None` for those of the system.
        max_bytes: The largest document that is accepted.
    """

    scheme: str
    host: str
    port: int
    base: str = ""
    namespace: str | None = None
    ca_file: str | None = None
    max_bytes: int = 1_048_576

    @property
    def where(self) -> str:
        """``host:port``, as messages show it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """``scheme://host:port``."""
        return f"{self.scheme}://{self.where}"


def variable(name: str) -> str | None:
    """Return ``BAO_name``, else ``VAULT_name``, as OpenBao's own client does; an empty one counts as not set."""
    return os.environ.get(f"BAO_{name}") or os.environ.get(f"VAULT_{name}") or None


def read_settings(
    resolver: str, *, address: str | None, namespace: str | None, ca_file: str | None, max_bytes: int
) -> Settings:
    """Complete the settings from the environment and check them.

    Raises:
        ConfigError: One is missing or cannot be used; the message says what to do.
    """
    table = f"[resolvers.{resolver}]"
    address = address or variable("ADDR")
    if not address:
        raise ConfigError(f"no address of the Vault server: set address under {table} or VAULT_ADDR")
    if not isinstance(max_bytes, int) or max_bytes < 1:
        raise ConfigError(f"max_bytes under {table} must be a whole number above 0")
    parts = _split_address(table, address)
    return Settings(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or (443 if parts.scheme == "https" else 80),
        base=parts.path.rstrip("/"),
        namespace=_check_namespace(table, namespace or variable("NAMESPACE")),
        ca_file=_check_ca_file(table, ca_file or variable("CACERT")),
        max_bytes=max_bytes,
    )


def _split_address(table: str, address: str) -> SplitResult:
    wrong = f"the address under {table} must be https://host:port"
    try:
        parts = urlsplit(address)
        usable = parts.port != 0
    except ValueError:
        usable = False
    # What is wrong with the address is not quoted: it may hold a password.
    if not usable or parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ConfigError(wrong)
    if (
        parts.username is not None
        or parts.query
        or parts.fragment
        or not address.isprintable()
        or " " in address
    ):
        raise ConfigError(f"{wrong}, without user, query or fragment")
    if {".", ".."} & set(parts.path.split("/")) or "//" in parts.path or "%" in parts.path:
        raise ConfigError(f"{wrong}, with a plain path at most")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigError(
            f"{wrong}: plain http is for loopback addresses only, it would send tokens in the clear"
        )
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_namespace(table: str, namespace: str | None) -> str | None:
    if namespace is None:
        return None
    if not (namespace.isascii() and namespace.isprintable()) or {".", ".."} & set(namespace.split("/")):
        raise ConfigError(
            f"the namespace {shown(namespace)} under {table} cannot be one: write it like team/project"
        )
    return namespace.strip("/") or None


def _check_ca_file(table: str, ca_file: str | None) -> str | None:
    if ca_file is None:
        return None
    import ssl

    path = Path(ca_file).expanduser()
    try:
        ssl.create_default_context(cafile=str(path))
        problem = ""
    except ssl.SSLError:
        problem = "holds no certificates in PEM form"
    except (OSError, ValueError):
        problem = "cannot be read"
    if problem:
        raise ConfigError(f"the ca_file {shown(str(path))} under {table} {problem}")
    return str(path)
