"""Where Conjur is and which authority it is trusted by: from settings, else from the variables of Conjur's own clients.

The variables are those that Conjur's clients share: ``CONJUR_APPLIANCE_URL``, ``CONJUR_ACCOUNT``,
``CONJUR_CERT_FILE`` (a path) and ``CONJUR_SSL_CERTIFICATE`` (the PEM text itself, which wins over the path as it does
in Conjur's Go client). Where neither setting nor variable says where Conjur is, ``.conjurrc`` does, and then the rest
may come from there too: so what belongs to one Conjur is never sent to another.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from secretsource._reference import shown
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError
from secretsource.resolvers._address import Address, hidden, parse_address
from secretsource.resolvers._authority import SYSTEM, Authority, authority_of
from secretsource.resolvers._client_certificate import ClientCertificate, client_certificate_of
from secretsource.resolvers.conjur._cli_settings import NOTHING, Conjurrc

__all__ = ["account_of", "addresses_of", "checked_prefix", "conjurrc_for", "hidden_urls", "trusted"]


def hidden_urls(url: str | Sequence[str] | None) -> str | Sequence[str] | None:
    """Return *url* masked: see `hidden`."""
    return hidden(url) if url is None or isinstance(url, str) else [hidden(one) or "" for one in url]


def conjurrc_for(url: str | Sequence[str] | None) -> Conjurrc:
    """Return what ``.conjurrc`` says, or nothing where the address is given otherwise.

    Raises:
        ConfigError: See `read_conjurrc`.
    """
    if url is not None or os.environ.get("CONJUR_APPLIANCE_URL", "").strip():
        return NOTHING
    from secretsource.resolvers.conjur._conjurrc import read_conjurrc

    return read_conjurrc()


def addresses_of(url: str | Sequence[str] | None, conjurrc: Conjurrc) -> tuple[Address, ...]:
    """Return the addresses, in the order they are tried.

    Raises:
        ConfigError: There is none, or one is no address that a key may be sent to.
    """
    if conjurrc.url:
        return (_address_of(hidden_urls(conjurrc.url), f"the address in {shown(conjurrc.path)}"),)
    given = hidden_urls(os.environ.get("CONJUR_APPLIANCE_URL", "") if url is None else url) or ""
    urls = [given] if isinstance(given, str) else given
    if not urls or urls == [""]:
        raise ConfigError("Conjur's address is missing: set url, or the variable CONJUR_APPLIANCE_URL")
    return tuple(_address_of(one, "Conjur's url") for one in urls)


def _address_of(url: object, setting: str) -> Address:
    address = parse_address(MaskedStr(url.strip()) if isinstance(url, str) else url, setting)
    return replace(address, path="/api") if _is_saas(address) and not address.path else address


def _is_saas(address: Address) -> bool:
    """Whether it is CyberArk's own service: its API lies below ``/api``, and its account is always the same."""
    return address.host.lower().endswith(".secretsmgr.cyberark.cloud")


def account_of(account: str | None, addresses: Sequence[Address], conjurrc: Conjurrc) -> str:
    """Return the account.

    Raises:
        ConfigError: It is given in no way.
    """
    usual = "conjur" if all(map(_is_saas, addresses)) else ""
    found = (
        (os.environ.get("CONJUR_ACCOUNT", "") or conjurrc.account or usual) if account is None else account
    )
    if not isinstance(found, str) or not found.strip():
        raise ConfigError("Conjur's account is missing: set account, or the variable CONJUR_ACCOUNT")
    if not found.isprintable() or found in {".", ".."}:
        raise ConfigError(f"Conjur's account cannot be {shown(found)}")
    return found


def trusted(
    ca_file: str | os.PathLike[str] | None,
    client_cert: str | None,
    client_key: str | None,
    conjurrc: Conjurrc,
) -> Authority:
    """Return who vouches for the server, and for us.

    Raises:
        ConfigError: A file cannot be read, or does not hold what it should.
    """
    client = _client(client_cert, client_key)
    if ca_file is not None:
        return authority_of("ca_file", file=ca_file, client=client)
    if pem := os.environ.get("CONJUR_SSL_CERTIFICATE", ""):
        return authority_of("the variable CONJUR_SSL_CERTIFICATE", pem=pem, client=client)
    if path := os.environ.get("CONJUR_CERT_FILE", ""):
        return authority_of("the variable CONJUR_CERT_FILE", file=path, client=client)
    if conjurrc.cert_file:
        if not os.path.isabs(os.path.expanduser(conjurrc.cert_file)):
            raise ConfigError(f"the cert_file in {shown(conjurrc.path)} must be an absolute path")
        return authority_of(
            f"the cert_file in {shown(conjurrc.path)}", file=conjurrc.cert_file, client=client
        )
    return SYSTEM if client is None else authority_of(SYSTEM.setting, client=client)


def _client(cert: str | None, key: str | None) -> ClientCertificate | None:
    """Return the certificate to show. Settings and variables are not mixed: a key belongs to one certificate."""
    if key and not cert:
        raise ConfigError("Conjur's client_key is of no use alone: set client_cert too")
    if cert:
        return client_certificate_of("Conjur's client_cert", cert=cert, key=key)
    cert, key = (hidden(os.environ.get(f"CONJUR_AUTHN_CERT_{part}", "")) for part in ("FILE", "KEY_FILE"))
    return (
        client_certificate_of("the variable CONJUR_AUTHN_CERT_FILE", cert=cert, key=key or None)
        if cert
        else None
    )


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
