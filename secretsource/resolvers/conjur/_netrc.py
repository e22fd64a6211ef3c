"""``.netrc``: where ``conjur login`` keeps login and API key, if the operating system has no key store."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from secretsource._reference import shown
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError, ResolverError
from secretsource.resolvers._address import Address
from secretsource.resolvers._file import read_file

__all__ = ["machines_of", "stored_login"]

_PORTS = {"http": ":80", "https": ":443"}


def machines_of(addresses: Sequence[Address], authenticator: str) -> list[str]:
    """Return the names under which the CLIs keep the login, the most exact first.

    The Go and the Ruby CLI write ``https://conjur.example.com/authn``, the Python CLI ``https://conjur.example.com``.

    Args:
        addresses: Where Conjur is.
        authenticator: ``authn``, or one with its service, such as ``authn-ldap/corp``.
    """
    bases = [f"{origin}{path}" for each in addresses for origin in _origins(each) for path in _paths(each)]
    return [
        *(f"{base}/{authenticator}" for base in bases),
        *bases,
        *(each.host for each in addresses),
    ]


def stored_login(path: str, machines: Sequence[str]) -> tuple[str, MaskedStr] | None:
    """Return login and key of the first of *machines* that the file knows, or `None`.

    Raises:
        ConfigError: The file is not only this user's, or is no .netrc.
    """
    path = os.path.expanduser(path)
    problem = ""
    try:
        found = read_file(path)
    except ResolverError as error:
        problem, found = error.detail, None
    if not problem and found is not None:
        problem = _why_not_private(path, found[1])
    if problem:
        raise ConfigError(problem)
    if found is None:
        return None
    entry = _entry(path, machines)
    if entry == _UNREADABLE:
        raise ConfigError(f"{shown(path)} cannot be understood: write 'machine … login … password …'")
    return entry


_UNREADABLE = ("", MaskedStr(""))


def _entry(path: str, machines: Sequence[str]) -> tuple[str, MaskedStr] | None:
    """Read the file. Nothing is raised from here: the parser shows all it has read, and names what it stumbled over."""
    import netrc

    try:
        hosts = netrc.netrc(path).hosts
    except (netrc.NetrcParseError, OSError, ValueError):
        return _UNREADABLE
    for machine in machines:
        if machine in hosts:
            login, _, key = hosts[machine]
            return (login, MaskedStr(key)) if login and key else _UNREADABLE
    return None


def _why_not_private(path: str, status: os.stat_result) -> str:
    """Return what lets others in, and what to do, or an empty text; as the Ruby CLI and Python's own rule have it."""
    if os.name != "posix":
        return ""
    if status.st_uid not in {0, os.geteuid()}:
        return f"{shown(path)} belongs to another user (id {status.st_uid}): its key is not used"
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"{shown(path)} holds a key, and others may read or write it: chmod 600 it"
    return ""


def _origins(address: Address) -> list[str]:
    usual = _PORTS[address.scheme]
    return list(dict.fromkeys((address.origin.removesuffix(usual), address.origin)))


def _paths(address: Address) -> list[str]:
    return [address.path, ""] if address.path == "/api" else [address.path]  # CLIs may add it later
