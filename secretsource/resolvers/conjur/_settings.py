"""Where Conjur is and which authority it is trusted by: from settings, else from the variables of Conjur's own clients.

The variables are those that Conjur's clients share: ``CONJUR_APPLIANCE_URL``, ``CONJUR_ACCOUNT``,
``CONJUR_CERT_FILE`` (a path) and ``CONJUR_SSL_CERTIFICATE`` (the PEM text itself, which wins over the path as it does
in Conjur's Go client).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from secretsource._reference import shown
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError
from secretsource.resolvers._address import Address, hidden, parse_address
from secretsource.resolvers._authority import SYSTEM, Authority, authority_of

__all__ = ["account_of", "addresses_of", "checked_prefix", "hidden_urls", "trusted"]


def hidden_urls(url: str | Sequence[str] | None) -> str | Sequence[str] | None:
    """Return *url* masked: see `hidden`."""
    return hidden(url) if url is None or isinstance(url, str) else [hidden(one) or "" for one in url]


def addresses_of(url: str | Sequence[str] | None) -> tuple[Address, ...]:
    """Return the addresses, in the order they are tried.

    Raises:
        ConfigError: There is none, or one is no address that a key may be sent to.
    """
    given = hidden_urls(os.environ.get("CONJUR_APPLIANCE_URL", "") if url is None else url) or ""
    urls = [given] if isinstance(given, str) else given
    if not urls or urls == [""]:
        raise ConfigError("Conjur's address is missing: set url, or the variable CONJUR_APPLIANCE_URL")
    return tuple(_address_of(one) for one in urls)


def _address_of(url: object) -> Address:
    return parse_address(MaskedStr(url.strip()) if isinstance(url, str) else url, "Conjur's url")


def account_of(account: str | None) -> str:
    """Return the account.

    Raises:
        ConfigError: It is given neither way.
    """
    found = os.environ.get("CONJUR_ACCOUNT", "") if account is None else account
    if not isinstance(found, str) or not found.strip():
        raise ConfigError("Conjur's account is missing: set account, or the variable CONJUR_ACCOUNT")
    return found


def trusted(ca_file: str | os.PathLike[str] | None) -> Authority:
    """Return who vouches for the server.

    Raises:
        ConfigError: The file cannot be read, or holds no certificate in PEM form.
    """
    if ca_file is not None:
        return authority_of("ca_file", file=ca_file)
    if pem := os.environ.get("CONJUR_SSL_CERTIFICATE", ""):
        return authority_of("the variable CONJUR_SSL_CERTIFICATE", pem=pem)
    if path := os.environ.get("CONJUR_CERT_FILE", ""):
        return authority_of("the variable CONJUR_CERT_FILE", file=path)
    return SYSTEM


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
