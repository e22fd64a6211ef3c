"""Secrets from CyberArk Conjur.

The name ``pepipost/api_key`` is the variable ``pepipost/api_key``; a reference is
``conjur://prod/email/pepipost?version=3``. Conjur's "not there" may also mean that the role may not see the variable:
messages say so and name the login.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from secretsource._fork import PerProcess
from secretsource._reference import (
    Reference,
    check_name,
    check_resolver_name,
    is_reference,
    parse_reference,
    shown,
)
from secretsource.errors import InvalidReference, ResolverError
from secretsource.resolvers import Answer, Deadline, Location
from secretsource.resolvers._credential import Credential
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers._max_bytes import check_max_bytes
from secretsource.resolvers._not_pickled import NotPickled
from secretsource.resolvers.conjur._auth import auth_of
from secretsource.resolvers.conjur._settings import (
    account_of,
    addresses_of,
    checked_prefix,
    hidden_urls,
    trusted,
)

if TYPE_CHECKING:
    from secretsource.resolvers.conjur._session import Session

__all__ = ["ConjurResolver"]

# All that a first read imports.
_MODULES = (
    "encodings.idna",
    "secretsource.resolvers._at_once",
    "secretsource.resolvers._own_error",
    "secretsource.resolvers.conjur._batches",
    "secretsource.resolvers.conjur._listing",
    "secretsource.resolvers.conjur._reads",
    "secretsource.resolvers.conjur._session",
)
_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


class ConjurResolver(NotPickled):
    """Asks one Conjur for variables, over kept connections and with one shared token.

    Args:
        name: Its name in the configuration, and the scheme of its references.
        url: The address, such as ``https://conjur.example.com`` (a path like ``/api`` is kept), or several, of which
            the next is asked while one cannot answer; else ``CONJUR_APPLIANCE_URL``. ``http`` only to loopback.
        account: The account; else ``CONJUR_ACCOUNT``.
        ca_file: A PEM file of the authorities to trust in place of the system's; else ``CONJUR_SSL_CERTIFICATE`` (the
            PEM text) or ``CONJUR_CERT_FILE`` (a path).
        prefix: Written before each name as it stands, such as ``prod/``; not before references.
        auth: How to log in: ``{"method": "api_key", "login": …, "api_key": …}``, where a host's login is
            ``host/app/web``; else ``CONJUR_AUTHN_LOGIN`` and ``CONJUR_AUTHN_API_KEY``. Credentials are asked for anew
            at each login.
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
        prefix: str = "",
        auth: Mapping[str, Credential] | None = None,
        max_bytes: int = 1_048_576,
    ) -> None:
        url = hidden_urls(url)
        self.name = check_resolver_name(name)
        check_installed(name, "urllib3", modules=("urllib3",), extra="conjur")
        self._addresses = addresses_of(url)
        self._account = account_of(account)
        self._authority = trusted(ca_file)
        self._prefix = checked_prefix(prefix)
        self._auth = auth_of(auth)
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
        if not is_reference(name):
            return self._location(self._prefix + check_name(name), None, document)
        reference = self._checked(parse_reference(name), name)
        if document and reference.version is not None:
            raise InvalidReference(f"{shown(name)}: no version joins the variables below a path")
        return self._location(reference.path, reference.version, document)

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

    def _new_session(self) -> Session:
        from secretsource.resolvers.conjur._session import Session

        return Session(self._addresses, self._authority, self._account, self._auth)

    def _location(self, variable: str, version: str | None, document: bool) -> Location:
        text = f"{self._account}:variable:{variable}" + ("/*" if document else "")
        return Location(
            address=f"{variable}/" if document else variable,  # a path is no variable of that name
            version=version,
            document=document,
            text=text if version is None else f"{text}?version={version}",
        )

    def _checked(self, reference: Reference, text: str) -> Reference:
        if reference.scheme != self.name:
            raise InvalidReference(
                f"{shown(text)} asks the resolver {shown(reference.scheme)}, not {self.name!r}"
            )
        if reference.path.startswith("/"):
            raise InvalidReference(f"{shown(text)}: a variable's id does not start with '/'")
        if reference.stage is not None or reference.field is not None:
            raise InvalidReference(f"{shown(text)}: Conjur has neither stages nor fields")
        if reference.version is not None and _VERSION.fullmatch(reference.version) is None:
            raise InvalidReference(f"{shown(text)}: a version of Conjur is a whole number from 1 up")
        return reference


def _is_newest(location: Location) -> bool:
    """Whether one variable is asked for, in its newest version: a batch holds nothing else."""
    return location.version is None and not location.document
