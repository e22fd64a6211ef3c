"""The settings of the resolver for the keyring, checked before anything is imported or asked."""

from __future__ import annotations

import re

from secretsource._record import Record
from secretsource._reference import shown
from secretsource.errors import ConfigError
from secretsource.resolvers.keyring._trusted import why_refused

__all__ = ["Settings"]

_SERVICE = re.compile(r"[A-Za-z0-9_.@+=:-][A-Za-z0-9_.@+=: -]{0,127}", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9_.@+=:/-]*", re.ASCII)
_CLASS = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)


class Settings(Record):
    """What the configuration says; `None` leaves it to keyring.

    Attributes:
        service: The service that all names belong to.
        prefix: Written before each name.
        backend: The class to use.

    Raises:
        ConfigError: One of them is wrong.
    """

    service: str
    prefix: str
    backend: str | None

    def __post_init__(self) -> None:
        """Check each."""
        if not _is_like(_SERVICE, self.service):
            raise ConfigError(
                f"the service {shown(self.service)} for the keyring is none: one piece without '/', like 'secretsource'"
            )
        if not _is_like(_PREFIX, self.prefix):
            raise ConfigError(f"the prefix {shown(self.prefix)} for the keyring holds what no name has")
        if self.backend is not None and not _is_like(_CLASS, self.backend):
            raise ConfigError(
                f"the backend {shown(self.backend)} for the keyring is none: write it like 'module.Class'"
            )
        if self.backend is not None and (why := why_refused([self.backend])):
            raise ConfigError(f"the backend {self.backend} for the keyring {why}: choose another one")


def _is_like(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None
