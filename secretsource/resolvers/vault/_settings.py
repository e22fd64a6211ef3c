"""Where the Vault server is, checked when the resolver is built: address, namespace, certificates."""

from __future__ import annotations

import os
from dataclasses import dataclass

from secretsource._reference import shown
from secretsource.errors import ConfigError
from secretsource.resolvers._address import Address, hidden, parse_address
from secretsource.resolvers._authority import SYSTEM, Authority, authority_of
from secretsource.resolvers._client_certificate import ClientCertificate, client_certificate_of
from secretsource.resolvers._max_bytes import check_max_bytes

__all__ = ["Settings", "read_settings", "variable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is needed to reach one server. Holds no credential.

    Attributes:
        address: Where it is; its path stands before ``/v1``.
        namespace: The namespace, or `None` for the root.
        authority: Who vouches for it, and for us.
        max_bytes: The most bytes that a value may have.
    """

    address: Address
    namespace: str | None
    authority: Authority
    max_bytes: int


def variable(name: str) -> str | None:
    """Return ``BAO_name``, else ``VAULT_name``, as OpenBao's own client does; an empty one counts as not set."""
    return os.environ.get(f"BAO_{name}") or os.environ.get(f"VAULT_{name}") or None


def read_settings(
    resolver: str,
    *,
    address: str | None,
    namespace: str | None,
    ca_file: str | None,
    client_cert: str | None,
    client_key: str | None,
    max_bytes: int,
) -> Settings:
    """Complete the settings from the environment and check them.

    Raises:
        ConfigError: One is missing or cannot be used; the message says what to do.
    """
    table = f"[resolvers.{resolver}]"
    address = hidden(address or variable("ADDR"))
    if not address:
        raise ConfigError(f"no address of the Vault server: set address under {table} or VAULT_ADDR")
    return Settings(
        address=_check_path(table, parse_address(address, f"the address under {table}")),
        namespace=_check_namespace(table, namespace or variable("NAMESPACE")),
        authority=_authority(table, ca_file or variable("CACERT"), _client(table, client_cert, client_key)),
        max_bytes=check_max_bytes(max_bytes, f"the max_bytes under {table}"),
    )


def _check_path(table: str, address: Address) -> Address:
    """Refuse the addresses that are copied from a browser or from the documentation of the API."""
    for part in ("ui", "v1"):
        if part in address.path.split("/"):
            raise ConfigError(
                f"the address under {table} has '/{part}' in it: write only what stands before that"
            )
    return address


def _authority(table: str, ca_file: str | None, client: ClientCertificate | None) -> Authority:
    if not ca_file and client is None:
        return SYSTEM
    return authority_of(f"the ca_file under {table}", file=ca_file or None, client=client)


def _client(table: str, cert: str | None, key: str | None) -> ClientCertificate | None:
    """Return the certificate to show. Settings and variables are not mixed: a key belongs to one certificate."""
    if key and not cert:
        raise ConfigError(f"the client_key under {table} is of no use alone: set client_cert too")
    if not cert:
        cert, key = hidden(variable("CLIENT_CERT")), hidden(variable("CLIENT_KEY"))
    return client_certificate_of(f"the client_cert under {table}", cert=cert, key=key) if cert else None


def _check_namespace(table: str, namespace: str | None) -> str | None:
    if namespace is None:
        return None
    if not (namespace.isascii() and namespace.isprintable()) or {".", ".."} & set(namespace.split("/")):
        raise ConfigError(
            f"the namespace {shown(namespace)} under {table} cannot be one: write it like team/project"
        )
    return namespace.strip("/") or None
