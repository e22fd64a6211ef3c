"""Credentials of backends in the configuration: references to local resolvers, read anew at each login."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final

from secretsource._deadline import Deadline
from secretsource._reference import is_reference, parse_reference
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError, InvalidReference
from secretsource.resolvers import Document, Resolver
from secretsource.resolvers._pem import is_pem

__all__ = [
    "CREDENTIAL_KEYS",
    "LocalCredential",
    "plain",
    "refuse_literals",
    "with_local_credentials",
    "with_masked_credentials",
]

CREDENTIAL_KEYS: Final = frozenset({"api_key", "jwt", "password", "secret_id", "token"})
_SCHEMES: Final = ("dotenv", "env", "file", "files")


class LocalCredential:
    """A callable that reads one credential from this machine: ``env://NAME``, ``file:///path`` or ``dotenv://NAME``."""

    def __init__(self, reference: str, used_as: str, *, profile: str | None = None) -> None:
        """Remember where it is; nothing is read yet.

        Args:
            reference: A reference to a local resolver.
            used_as: Where the configuration says so, for messages.
            profile: The active profile, whose layers ``dotenv://`` reads.

        Raises:
            ConfigError: The reference is malformed, or its resolver is not local.
        """
        self.reference = ""
        self._used_as = used_as
        self._resolver: Resolver | None = None
        with contextlib.suppress(InvalidReference):
            scheme = parse_reference(reference).scheme
            resolver = _local_resolver(scheme, profile) if scheme in _SCHEMES else None
            if resolver is not None:
                self._location = resolver.locate(reference)
                self._resolver = resolver
        if self._resolver is None:
            # Not repeated: it may be a credential that only looks like a reference.
            raise ConfigError(
                f"{used_as} is no reference to a local resolver; a credential comes from env://NAME, dotenv://NAME or "
                f"file:///path"
            )
        self.reference = str(reference)

    def __call__(self) -> str:
        """Return the credential.

        Raises:
            ConfigError: It is not there, or is no text.
            ResolverError: The file may not be read.
        """
        assert self._resolver is not None  # noqa: S101 - checked when it was made
        answer = self._resolver.fetch(self._location, Deadline(float("inf")))
        if not isinstance(answer, Document) or answer.value is None:
            looked = str(self._location)
            where = self.reference if looked in self.reference else f"{self.reference} ({looked})"
            raise ConfigError(f"{self._used_as}: nothing is at {where}; set it, or correct the reference")
        if isinstance(answer.value, bytes):
            raise ConfigError(f"{self._used_as}: what is at {self.reference} is no text")
        if not answer.value.strip():
            raise ConfigError(f"{self._used_as}: what is at {self.reference} is empty")
        return answer.value.reveal()

    def __repr__(self) -> str:
        """Return the reference."""
        return f"LocalCredential({self.reference!r})"


def with_local_credentials(
    auth: Mapping[str, object], used_as: str, *, profile: str | None = None
) -> dict[str, object]:
    """Return the ``auth`` table with its references made callables, and the name of its method plain."""
    return {
        key: LocalCredential(value, f"{used_as}.{key}", profile=profile)
        if isinstance(value, str) and is_reference(value)
        else plain(value)
        if key == "method"
        else value
        for key, value in auth.items()
    }


def with_masked_credentials(table: Mapping[str, object]) -> dict[str, object]:
    """Return *table* with all text about resolvers, and where a credential may stand by mistake, masked.

    What is refused later is refused in frames whose local variables hold the table. `plain` undoes it where a
    resolver gets a setting that it knows and that is no credential.
    """
    return {
        key: _masked(value)
        if key in CREDENTIAL_KEYS or key == "resolvers"
        else with_masked_credentials(value)
        if isinstance(value, Mapping)
        else value
        for key, value in table.items()
    }


def _masked(value: object) -> object:
    if isinstance(value, str):
        return MaskedStr(value)
    if isinstance(value, Mapping):
        return {key: _masked(inner) for key, inner in value.items()}
    return [_masked(inner) for inner in value] if isinstance(value, list) else value


def plain(value: object) -> object:
    """Return a setting without its mask; an address that holds a login keeps it, and so does a key in PEM form."""
    if isinstance(value, MaskedStr):
        return value if "@" in value or is_pem(value) else value.reveal()
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def refuse_literals(auth: Mapping[str, object], used_as: str) -> None:
    """Refuse credentials that stand in a configuration file in plain text.

    Raises:
        ConfigError: One does; its value is not repeated.
    """
    for key, value in auth.items():
        if key in CREDENTIAL_KEYS and not is_reference(value):
            raise ConfigError(
                f"{used_as}.{key} is written in plain text; put it into an environment variable or a file, and write "
                f'{key} = "env://NAME" or {key} = "file:///path"'
            )


def _local_resolver(scheme: str, profile: str | None) -> Resolver:
    if scheme == "env":
        from secretsource.resolvers.env import EnvResolver  # noqa: PLC0415 - each only where it is named

        return EnvResolver(scheme)
    if scheme == "dotenv":
        from secretsource.resolvers.dotenv import DotenvResolver  # noqa: PLC0415

        return DotenvResolver(scheme, profile=profile)
    from secretsource.resolvers.files import FilesResolver  # noqa: PLC0415

    return FilesResolver(scheme)
