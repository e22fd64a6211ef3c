"""HashiCorp Vault and OpenBao: documents of KV secrets engines, version 1 and 2.

Requests are made by hvac's own API classes, over our own kept connections: hvac follows redirects with the token, sends
paths that climb out of the mount, and takes HTML for an answer.

The address, namespace, certificate authority and token come from the settings; what is not set comes from ``BAO_*``,
and what is not there from ``VAULT_*``, the order of OpenBao's own client. ``VAULT_SKIP_VERIFY`` is not looked at: set
``ca_file`` (or ``VAULT_CACERT``) for a private authority, which then is the only one trusted. ``HTTPS_PROXY`` and
``NO_PROXY`` are followed, ``.netrc`` is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from secretsource._fork import PerProcess
from secretsource._reference import (
    check_name,
    check_resolver_name,
    is_reference,
    parse_reference,
    shown,
    split_name,
)
from secretsource.errors import ConfigError, InvalidReference, ResolverError
from secretsource.resolvers import Answer, Deadline, Location
from secretsource.resolvers._address import hidden
from secretsource.resolvers._credential import Credential
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers._not_pickled import NotPickled
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.vault._auth import choose_method
from secretsource.resolvers.vault._paths import check_path
from secretsource.resolvers.vault._settings import read_settings

if TYPE_CHECKING:
    from secretsource.resolvers.vault._client import Client

__all__ = ["VaultResolver"]

# All that a first read imports.
_MODULES = (
    "hvac.api.auth_methods",
    "hvac.api.secrets_engines",
    "hvac.exceptions",
    "secretsource.resolvers.vault._adapter",
    "secretsource.resolvers.vault._client",
)
_MAX_VERSION_DIGITS = 18


class VaultResolver(NotPickled):
    """Reads secrets from Vault or OpenBao.

    The name ``pepipost/api_key`` is the key ``api_key`` of the secret ``pepipost`` in the mount; a name of one segment,
    ``stripe_key``, is the key ``value`` of the secret ``stripe_key``. The reference
    ``vault://kv/email/pepipost?version=3#api_key`` names mount, path, version and key itself, without the prefix;
    without ``#key`` it is the key ``value``. Whether a mount is KV version 1 or 2 is asked once, as Vault's own command
    does; it goes on with 1 where the server is too old to say.

    Numbers, booleans and nested values come as their JSON text; a key that is ``null`` is not there.

    Args:
        name: The configured name, and the scheme of references.
        address: ``https://host:port``; plain ``http`` for loopback only. Without it, ``BAO_ADDR`` or ``VAULT_ADDR``.
        namespace: The namespace; without it, ``BAO_NAMESPACE`` or ``VAULT_NAMESPACE``.
        mount: Where the KV engine of names is mounted; may contain slashes.
        prefix: Written before the path of names as it stands, for example ``"prod/"``.
        ca_file: A PEM file with the only authorities to trust; without it, ``BAO_CACERT`` or ``VAULT_CACERT``, else the
            system's.
        auth: How to log in: ``{"method": "token", "token": …}``, or ``{"method": "approle", "role_id": …,
            "secret_id": …, "mount": "approle"}``. Without it, the token is in ``BAO_TOKEN``, ``VAULT_TOKEN`` or
            ``~/.vault-token``, read at the first use and again when the server refuses it.
        max_bytes: The most bytes that a value may have; a document may have 64 KiB more.

    Raises:
        ConfigError: A setting is missing or cannot be used.
        MissingDependency: hvac is not installed.
    """

    def __init__(
        self,
        name: str = "vault",
        *,
        address: str | None = None,
        namespace: str | None = None,
        mount: str = "secret",
        prefix: str = "",
        ca_file: str | None = None,
        auth: Mapping[str, Credential] | None = None,
        max_bytes: int = 1_048_576,
    ) -> None:
        address = hidden(address)
        self.name = check_resolver_name(name)
        check_installed(name, "hvac", modules=("hvac", "urllib3"), extra="vault")
        self._settings = read_settings(
            name, address=address, namespace=namespace, ca_file=ca_file, max_bytes=max_bytes
        )
        self._mount = _check_mount(name, mount)
        self._prefix = _check_prefix(name, prefix)
        self._method = choose_method(auth)
        self._client = PerProcess(self._build, modules=_MODULES)

    def _build(self) -> Client:
        from secretsource.resolvers.vault._client import Client

        return Client(self._settings, self._method, self._mount)

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say where *name* is looked for; no I/O.

        Args:
            name: A name or a reference.
            document: *name* is a whole document, not one key of it.

        Raises:
            InvalidReference: It is none, or asks for what Vault does not have, such as a stage.
        """
        if is_reference(name):
            return self._locate_reference(name, document=document)
        path, field = (check_name(name), None) if document else split_name(check_name(name))
        # The prefix was checked with a name behind it, and once more all is checked as a whole.
        address = check_path(f"{self._mount}/{check_name(self._prefix + path)}")
        return Location(address=address, field=None if document else field or "value", document=document)

    def _locate_reference(self, text: str, *, document: bool) -> Location:
        reference = parse_reference(text)
        if reference.scheme != self.name:
            raise InvalidReference(f"{shown(text)} asks another resolver than {self.name!r}")
        if reference.stage is not None:
            raise InvalidReference(f"{shown(text)}: Vault has no stages; versions are numbers, ?version=3")
        if document and reference.field is not None:
            raise InvalidReference(f"{shown(text)} names one key, where a whole document is asked for")
        if "/" not in reference.path.strip("/") or reference.path.startswith("/"):
            raise InvalidReference(
                f"{shown(text)} must name a mount and a path: {self.name}://secret/path#key"
            )
        return Location(
            address=check_path(reference.path),
            field=None if document else reference.field or "value",
            version=_check_version(text, reference.version),
            document=document,
        )

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Read the document at *location*.

        Raises:
            AccessDenied: The server refuses the login, or the read with a new login.
            BackendUnavailable: It cannot be reached, is sealed, or cannot answer now.
            InvalidResponse: What it answered is no answer of Vault.
        """
        client = self._client.get()
        from secretsource.resolvers.vault._client import Reading

        reading = Reading(client, location, deadline)
        try:
            return with_retries(reading.attempt, deadline)
        except ResolverError as error:
            failure = error.copy(location=str(location))
        raise failure

    def close(self) -> None:
        """Close the connections and forget token and mounts; the next read starts anew."""
        client = self._client.pop()
        if client is not None:
            client.close()

    def __repr__(self) -> str:
        """Return name and address."""
        try:
            return f"VaultResolver({self.name!r}, address={str(self._settings.address)!r})"
        except AttributeError:  # a traceback shows what was refused while it was built
            return object.__repr__(self)


def _check_mount(name: str, mount: str) -> str:
    try:
        return check_path(check_name(mount.strip("/")))
    except InvalidReference:
        pass
    raise ConfigError(
        f"the mount {shown(mount)} under [resolvers.{name}] is no path of a KV mount, such as 'secret'"
    )


def _check_prefix(name: str, prefix: str) -> str:
    try:
        check_name(prefix + "x")
        return prefix
    except InvalidReference:
        pass
    raise ConfigError(
        f"the prefix {shown(prefix)} under [resolvers.{name}] cannot stand before a name: write 'prod/'"
    )


def _check_version(text: str, version: str | None) -> str | None:
    if version is None:
        return None
    if (
        version.isascii()
        and version.isdecimal()
        and len(version) <= _MAX_VERSION_DIGITS
        and int(version) >= 1
    ):
        return str(int(version))
    raise InvalidReference(f"{shown(text)}: a version of Vault is a whole number from 1")
