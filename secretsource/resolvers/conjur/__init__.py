"""Secrets from CyberArk Conjur.

The name ``pepipost/api_key`` is the variable ``pepipost/api_key``; a reference is
``conjur://prod/email/pepipost?version=3``. Conjur's "not there" may also mean that the role may not see the variable:
messages say so and name the login.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from secretsource._fork import PerProcess
from secretsource._reference import check_resolver_name
from secretsource._secret import masked
from secretsource.errors import InvalidReference, ResolverError
from secretsource.resolvers import Answer, Deadline, Document, Health, Location
from secretsource.resolvers._address import hidden
from secretsource.resolvers._credential import Credential
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers._max_bytes import check_max_bytes
from secretsource.resolvers._not_pickled import NotPickled
from secretsource.resolvers.conjur._auth import auth_of, login_of
from secretsource.resolvers.conjur._location import locate
from secretsource.resolvers.conjur._settings import (
    account_of,
    addresses_of,
    checked_prefix,
    conjurrc_for,
    hidden_urls,
    trusted,
)

if TYPE_CHECKING:
    from secretsource.resolvers.conjur._cli_settings import Conjurrc
    from secretsource.resolvers.conjur._login_request import Auth
    from secretsource.resolvers.conjur._session import Session

__all__ = ["ConjurResolver"]

# All that a first read imports.
_MODULES = (
    "encodings.idna",
    "netrc",
    "secretsource.resolvers._at_once",
    "secretsource.resolvers._own_error",
    "secretsource.resolvers.conjur._batches",
    "secretsource.resolvers.conjur._health",
    "secretsource.resolvers.conjur._listing",
    "secretsource.resolvers.conjur._metadata",
    "secretsource.resolvers.conjur._reads",
    "secretsource.resolvers.conjur._session",
    "secretsource.resolvers.conjur._writes",
)


class ConjurResolver(NotPickled):
    """Asks one Conjur for variables, over kept connections and with one shared token.

    Args:
        name: Its name in the configuration, and the scheme of its references.
        url: The address, such as ``https://conjur.example.com`` (a path is kept), or several, of which the next is
            asked while one cannot answer; else ``CONJUR_APPLIANCE_URL``, else that in ``.conjurrc``. ``http`` only to
            loopback.
        account: The account; else ``CONJUR_ACCOUNT``, else that in ``.conjurrc`` where the address is from there.
        ca_file: A PEM file of the authorities to trust in place of the system's; else ``CONJUR_SSL_CERTIFICATE`` (the
            PEM text) or ``CONJUR_CERT_FILE`` (a path).
        client_cert: A PEM file with the certificate to show to the server; else ``CONJUR_AUTHN_CERT_FILE``. Looked at
            again for each request, so that one that is renewed is used.
        client_key: A PEM file with its private key; without it, the key is in the same file. With the variable,
            ``CONJUR_AUTHN_CERT_KEY_FILE``.
        prefix: Written before each name as it stands, such as ``prod/``; not before references.
        auth: How to log in: a table with ``method`` and what that method takes, such as ``{"method": "api_key",
            "login": "host/app/web", "api_key": …}``; else the variables of Conjur's clients, else what Conjur's CLI
            has stored in ``.netrc``. Credentials are asked for anew at each login.
        max_bytes: The most bytes a value may have; more is refused without being read whole.

    Raises:
        ConfigError: A setting is missing or wrong.
        MissingDependency: urllib3, which the extra ``conjur`` brings, is not installed.
    """

    def __init__(
        self,
        name: str = "conjur",
        *,
        url: str | Sequence[str] | None = None,
        account: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        prefix: str = "",
        auth: Mapping[str, Credential] | None = None,
        max_bytes: int = 1_048_576,
    ) -> None:
        url, client_cert, client_key = hidden_urls(url), hidden(client_cert), hidden(client_key)
        self.name = check_resolver_name(name)
        check_installed(name, "urllib3", modules=("urllib3",), extra="conjur")
        conjurrc = conjurrc_for(url)
        self._addresses = addresses_of(url, conjurrc)
        self._account = account_of(account, self._addresses, conjurrc)
        self._authority = trusted(ca_file, client_cert, client_key, conjurrc)
        self._prefix = checked_prefix(prefix)
        certified = self._authority.client is not None and all(each.tls for each in self._addresses)
        self._auth = (
            self._auth_of_environment(conjurrc) if auth is None else auth_of(auth, has_certificate=certified)
        )
        self._login = login_of(auth)
        self._max_bytes = check_max_bytes(max_bytes, "Conjur's max_bytes")
        self._sessions = PerProcess(self._new_session, modules=_MODULES)

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say which variable *name* is, or below which path; no I/O.

        Args:
            name: A name or a reference.
            document: *name* is a path, and all variables directly below it are wanted.

        Raises:
            InvalidReference: It is no name, or asks for what Conjur does not have: a stage, a field, a version that is
                no whole number from 1 up.
        """
        return locate(name, resolver=self.name, account=self._account, prefix=self._prefix, document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Read one variable, or all directly below a path, with retries inside *deadline*.

        Returns:
            The document, with the value, or, for a path, with fields; a `NotThere` that names the login; or `None` for
            a path without variables.

        Raises:
            AccessDenied: The login was refused, or the role may not execute the variable.
            BackendUnavailable: Conjur could not be reached or cannot answer now.
            InvalidResponse: What answered is not Conjur, or the answer is broken.
            ConfigError: A credential is not there.
        """
        try:
            return self._fetch(location, deadline)
        except ResolverError as error:
            failure = error.copy(resolver=self.name, location=str(location))
        raise failure

    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> list[Answer | ResolverError]:
        """Read many variables, in as few requests as Conjur allows; see `SupportsFetchMany`.

        Old versions and whole paths are not part of a batch, and are read beside it.

        Raises:
            ConfigError: A credential is not there.
        """
        session = self._sessions.get()  # first, as it imports all that is needed
        from secretsource.resolvers._at_once import at_once
        from secretsource.resolvers._own_error import own_error
        from secretsource.resolvers.conjur._batches import values_of

        newest = [each.address for each in locations if _is_newest(each)]
        said = values_of(newest, session, self._account, deadline, max_bytes=self._max_bytes)
        others = list(dict.fromkeys(each for each in locations if not _is_newest(each)))
        beside = dict(
            zip(others, at_once(lambda each: self._fetch(each, deadline), others, deadline), strict=True)
        )
        return [
            own_error(said[each.address] if _is_newest(each) else beside[each], self.name, each)
            for each in locations
        ]

    def put(
        self, location: Location, value: str | bytes, deadline: Deadline, *, expected: str | None = None
    ) -> Document:
        """Set a variable that a policy has made, read it back and compare; see `SupportsPut`.

        Conjur cannot compare versions: *expected* is compared before the value is set, not in the same step.

        Raises:
            InvalidReference: The location is a path, or a certain version.
            InvalidValue: The value is empty, blank, larger than ``max_bytes``, or no UTF-8.
            WriteConflict: *expected* is not the newest version.
            AccessDenied: The login was refused, may not set the variable, or does not see it; then the message has the
                policy that makes it.
            BackendUnavailable: Conjur could not be reached or cannot answer now.
            InvalidResponse: Another value was read back, or what answered is not Conjur.
            ConfigError: A credential is not there.
        """
        value = masked(value)
        if location.document or location.version is not None:
            raise InvalidReference(f"{location}: only the newest version of one variable can be written")
        session = self._sessions.get()
        from secretsource.resolvers.conjur._writes import Writing, bytes_to_write

        raw = bytes_to_write(value, location, self._max_bytes)
        writing = Writing(session, self._account, location.address, deadline, max_bytes=self._max_bytes)
        try:
            return writing.write(raw, expected)
        except ResolverError as error:
            failure = error.copy(resolver=self.name, location=str(location))
        raise failure

    def check(self, deadline: Deadline) -> Health:
        """Ask Conjur who we are; see `SupportsCheck`.

        Raises:
            AccessDenied: The login is refused.
            BackendUnavailable: Conjur could not be reached or cannot answer now.
            InvalidResponse: What answered is not Conjur.
            ConfigError: A credential is not there.
        """
        session = self._sessions.get()
        from secretsource.resolvers.conjur._health import health_of

        try:
            return health_of(session, deadline)
        except ResolverError as error:
            failure = error.copy(resolver=self.name, location=self._account)
        raise failure

    def policy_for(self, locations: Sequence[Location]) -> str:
        """Return the policy that lets the login read all *locations*, for the policy ``root``; no I/O."""
        from secretsource.resolvers.conjur._policy import policy_for

        return policy_for(locations, self._login)

    def close(self) -> None:
        """Close the connections and forget the token; the next fetch opens new ones."""
        session = self._sessions.pop()
        if session is not None:
            session.close()

    def __repr__(self) -> str:
        """Return name and addresses, no credential."""
        try:
            urls = ", ".join(map(str, self._addresses))
            return f"ConjurResolver({self.name!r}, url={urls!r}, account={self._account!r})"
        except AttributeError:  # a traceback shows what was refused while it was built
            return object.__repr__(self)

    def _fetch(self, location: Location, deadline: Deadline) -> Answer:
        session = self._sessions.get()
        if location.document:
            from secretsource.resolvers.conjur._listing import Gathering

            return Gathering(session, self._account, deadline, max_bytes=self._max_bytes).below(
                location.address.removesuffix("/")
            )
        from secretsource.resolvers.conjur._reads import read_variable

        return read_variable(
            session,
            self._account,
            location.address,
            deadline,
            version=location.version,
            max_bytes=self._max_bytes,
        )

    def _auth_of_environment(self, conjurrc: Conjurrc) -> Auth:
        from secretsource.resolvers.conjur._environment import auth_of_environment

        return auth_of_environment(self._addresses, conjurrc)

    def _new_session(self) -> Session:
        from secretsource.resolvers.conjur._session import Session

        return Session(self._addresses, self._authority, self._account, self._auth)


def _is_newest(location: Location) -> bool:
    """Whether one variable is asked for, in its newest version: a batch holds nothing else."""
    return location.version is None and not location.document
