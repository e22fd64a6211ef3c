"""HashiCorp Vault and OpenBao: documents of KV secrets engines, and what other engines lend.

Requests are made by hvac's own API classes, over our own kept connections: hvac follows redirects with the token, sends
paths that climb out of the mount, and takes HTML for an answer.

The address, namespace, certificate authority and token come from the settings; what is not set comes from ``BAO_*``,
and what is not there from ``VAULT_*``, the order of OpenBao's own client. ``VAULT_SKIP_VERIFY`` is not looked at: set
``ca_file`` (or ``VAULT_CACERT``) for a private authority, which then is the only one trusted. ``HTTPS_PROXY`` and
``NO_PROXY`` are followed, ``.netrc`` is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from secretsource._fork import PerProcess
from secretsource._reference import check_resolver_name
from secretsource._secret import masked
from secretsource.errors import AccessDenied, ConfigError, ResolverError
from secretsource.resolvers import Answer, Deadline, Document, Health, Location
from secretsource.resolvers._address import hidden
from secretsource.resolvers._credential import Credential
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers._not_pickled import NotPickled
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.vault._auth import choose_method, modules_of
from secretsource.resolvers.vault._locations import places_of
from secretsource.resolvers.vault._paths import check_path
from secretsource.resolvers.vault._settings import read_settings
from secretsource.resolvers.vault._values import check_writable, text_of

if TYPE_CHECKING:
    from secretsource.resolvers.vault._auth import Token
    from secretsource.resolvers.vault._client import Client
    from secretsource.resolvers.vault._mounts import Mount

__all__ = ["VaultResolver"]

# All that a first read imports.
_MODULES = (
    "hvac.api.auth_methods",
    "hvac.api.secrets_engines",
    "hvac.exceptions",
    "secretsource.resolvers.vault._adapter",
    "secretsource.resolvers.vault._client",
    "secretsource.resolvers.vault._health",
    "secretsource.resolvers.vault._reads",
    "secretsource.resolvers.vault._renewals",
    "secretsource.resolvers.vault._writes",
)
_CLOSING_SECONDS = 3.0  # for giving leases back

T = TypeVar("T")


class VaultResolver(NotPickled):
    """Reads secrets from Vault or OpenBao.

    The name ``pepipost/api_key`` is the key ``api_key`` of the secret ``pepipost`` in the mount; a name of one segment,
    ``stripe_key``, is the key ``value`` of the secret ``stripe_key``. The reference
    ``vault://kv/email/pepipost?version=3#api_key`` names mount, path, version and key itself, without the prefix;
    without ``#key`` it is the key ``value``. Whether a mount is KV version 1 or 2 is asked once, as Vault's own command
    does; it goes on with 1 where the server is too old to say.

    Below a mount of another engine, the path is read as it stands: ``vault://database/creds/app#password``. What the
    server lends has a lease. The document is used no longer than that, and no longer than the login lives; the lease is
    renewed where the server allows it.

    Numbers, booleans and nested values come as their JSON text; a key that is ``null`` is not there.

    Args:
        name: The configured name, and the scheme of references.
        address: ``https://host:port``; plain ``http`` for loopback only. Without it, ``BAO_ADDR`` or ``VAULT_ADDR``.
        namespace: The namespace; without it, ``BAO_NAMESPACE`` or ``VAULT_NAMESPACE``.
        mount: Where the engine of names is mounted; may contain slashes. For another engine than KV, with what stands
            before a role, such as ``"database/creds"``.
        prefix: Written before the path of names as it stands, for example ``"prod/"``.
        ca_file: A PEM file with the only authorities to trust; without it, ``BAO_CACERT`` or ``VAULT_CACERT``, else the
            system's.
        client_cert: A PEM file with the certificate to show to the server; without it, ``BAO_CLIENT_CERT`` or
            ``VAULT_CLIENT_CERT``. Looked at again for each request, so that one that is renewed is used.
        client_key: A PEM file with its private key; without it, the key is in the same file. With the variables,
            ``BAO_CLIENT_KEY`` or ``VAULT_CLIENT_KEY``.
        auth: How to log in: ``{"method": "approle", "role_id": …, "secret_id": …}``, or another method with its keys:
            ``token``, ``userpass``, ``ldap``, ``jwt``, ``oidc``, ``kubernetes``, ``aws``, ``cert``; or ``none`` where a
            proxy at the address adds its token. Credentials are texts, or callables that are asked at each login.
            Without it, the token is in ``BAO_TOKEN``, ``VAULT_TOKEN`` or ``~/.vault-token``, read at the first use and
            again when the server refuses it.
        max_bytes: The most bytes that a value may have; a document may have 64 KiB more.
        revoke_on_close: Whether `close` gives back what the server has lent to this process, so that a database user,
            say, is gone at once. Needs the right to update ``sys/leases/revoke``.

    Raises:
        ConfigError: A setting is missing or cannot be used.
        MissingDependency: hvac is not installed, or what the method to log in needs.
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
        client_cert: str | None = None,
        client_key: str | None = None,
        auth: Mapping[str, Credential | bool] | None = None,
        max_bytes: int = 1_048_576,
        revoke_on_close: bool = False,
    ) -> None:
        address, client_cert, client_key = hidden(address), hidden(client_cert), hidden(client_key)
        self.name = check_resolver_name(name)
        check_installed(name, "hvac", modules=("hvac", "requests", "urllib3"), extra="vault")
        self._settings = read_settings(
            name,
            address=address,
            namespace=namespace,
            ca_file=ca_file,
            client_cert=client_cert,
            client_key=client_key,
            max_bytes=max_bytes,
        )
        self._places = places_of(name, mount, prefix)
        self._revokes = _check_revokes(name, revoke_on_close)
        self._mounts: tuple[Mount, ...] = ()  # those that were met, for policies
        self._method = choose_method(name, auth, self._settings)
        self._client = PerProcess(self._build, modules=(*_MODULES, *modules_of(self._method)))

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say where *name* is looked for; no I/O.

        Args:
            name: A name or a reference.
            document: *name* is a whole document, not one key of it.

        Raises:
            InvalidReference: It is none, or asks for what Vault does not have, such as a stage.
        """
        return self._places.locate(name, document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Read the document at *location*.

        Raises:
            AccessDenied: The server refuses the login, or the read with a new login.
            BackendUnavailable: It cannot be reached, is sealed, or cannot answer now.
            InvalidResponse: What it answered is no answer of Vault.
        """
        return self._read(location, deadline, fresh=False)

    def fetch_fresh(self, location: Location, deadline: Deadline) -> Answer:
        """Read the document, past what a proxy or an agent in between has kept of other reads; else as `fetch`."""
        return self._read(location, deadline, fresh=True)

    def renew(self, location: Location, document: Document, deadline: Deadline) -> float | None:
        """Let the lease of *document* go on, which `fetch` has returned in this process.

        Returns:
            The seconds that are left of it; `None` if it is gone, may not be renewed, or is so near to its end that
            another document is better.

        Raises:
            BackendUnavailable: The server cannot answer now.
            InvalidResponse: What it answered is no answer of Vault.
        """
        client = self._client.get()
        from secretsource.resolvers.vault._renewals import renew

        try:
            return self._call(
                client, lambda token: renew(client, document, token, deadline), str(location), deadline
            )
        except AccessDenied:
            return None  # if it is the login that is refused, the fetch says so

    def put(
        self, location: Location, value: str | bytes, deadline: Deadline, *, expected: str | None = None
    ) -> Document:
        """Write *value* to one key of the document at *location*, read it back and compare.

        The other keys stay as they are. With KV version 2 that holds also where somebody else writes at the same time.
        KV version 1 has nothing to compare with: of two processes that write at once, the second wins with all keys.

        Raises:
            InvalidReference: It is a version or a whole document, or no KV engine.
            InvalidValue: It is no text, or too large.
            WriteConflict: *expected* is not the current version, or given for KV version 1, which has none; or others
                wrote again and again meanwhile.
            AccessDenied: The server refuses the login, or the policy lacks a right.
            BackendUnavailable: It cannot answer now.
            InvalidResponse: What was read back is not what was written, or is no answer.
        """
        value = masked(value)
        check_path(location.address)
        check_writable(location)
        text = text_of(value, location, self._settings.max_bytes)
        client = self._client.get()
        from secretsource.resolvers.vault._writes import Writing

        writing = Writing(client, location, text, expected, deadline)
        return self._call(client, writing.attempt, str(location), deadline)

    def check(self, deadline: Deadline) -> Health:
        """Ask the server who we are: the login's name, its policies, when it ends; and the server's version and state.

        Raises:
            AccessDenied: The server refuses the login.
            BackendUnavailable: It cannot be reached, is sealed, or cannot answer now.
            InvalidResponse: What it answered is no answer of Vault.
        """
        client = self._client.get()
        from secretsource.resolvers.vault._health import health_of

        where = self._settings.address.where
        return self._call(client, lambda token: health_of(client.transport, token, deadline), where, deadline)

    def policy_for(self, locations: Sequence[Location]) -> str:
        """Return the smallest policy that lets all *locations* be read, ready for ``bao policy write``; no I/O.

        A mount that was not met yet is taken for KV version 2, and a comment says what to write if it is none.
        """
        from secretsource.resolvers.vault._policy import policy_for

        return policy_for(locations, self._mounts, self._places.mount, revokes=self._revokes)

    def close(self) -> None:
        """Close the connections and forget token, mounts and leases; the next read starts anew.

        With ``revoke_on_close``, what the server has lent to this process is given back first, in 3 s at most.
        """
        client = self._client.pop()
        if client is None:
            return
        if self._revokes:
            self._give_back(client)
        client.close()

    def _build(self) -> Client:
        from secretsource.resolvers.vault._client import Client

        return Client(self._settings, self._method, self._places.mount)

    def _read(self, location: Location, deadline: Deadline, *, fresh: bool) -> Answer:
        check_path(location.address)
        client = self._client.get()
        from secretsource.resolvers.vault._reads import read

        return self._call(
            client,
            lambda token: read(client, location, token, deadline, fresh=fresh),
            str(location),
            deadline,
        )

    def _call(self, client: Client, ask: Callable[[Token], T], where: str, deadline: Deadline) -> T:
        """Return what *ask* makes of a token that the server takes; an error names *where*."""
        from secretsource.resolvers.vault._client import Call

        try:
            return with_retries(Call(client, ask, deadline).attempt, deadline)
        except ResolverError as error:
            failure = error.copy(location=where)
        finally:
            self._mounts = client.mounts.known
        raise failure

    def _give_back(self, client: Client) -> None:
        from secretsource.resolvers.vault._renewals import revoke_all

        kept, why = revoke_all(client, Deadline(_CLOSING_SECONDS))
        if kept:
            import logging  # slow to import

            logging.getLogger("secretsource").warning(
                "%s: %d lease(s) could not be revoked, and end by themselves: %s", self.name, kept, why
            )

    def __repr__(self) -> str:
        """Return name and address."""
        try:
            return f"VaultResolver({self.name!r}, address={str(self._settings.address)!r})"
        except AttributeError:  # a traceback shows what was refused while it was built
            return object.__repr__(self)


def _check_revokes(name: str, given: bool) -> bool:
    if isinstance(given, bool):
        return given
    raise ConfigError(f"revoke_on_close under [resolvers.{name}] must be true or false")
