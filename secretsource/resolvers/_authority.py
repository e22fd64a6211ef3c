"""Who vouches for a server: given certificates, which replace the system's store, or that store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretsource._reference import shown
from secretsource.errors import ConfigError

if TYPE_CHECKING:
    import ssl

__all__ = ["SYSTEM", "Authority", "authority_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The certificates to trust.

    Attributes:
        setting: What to call them in messages, such as ``ca_file``.
        file: A path, or `None`.
        pem: Text, or `None`; without either, those of the system are trusted.
    """

    setting: str
    file: str | None = None
    pem: str | None = None

    def context(self) -> ssl.SSLContext:
        """Load them into a context that verifies certificate and host name.

        Raises:
            ConfigError: They cannot be read, or are none.
        """
        import ssl

        # Words between the certificates may be in any language, which ssl refuses to take.
        pem = self.pem and self.pem.encode("ascii", "replace").decode("ascii")
        try:
            return ssl.create_default_context(cafile=self.file, cadata=pem)
        except ssl.SSLError:
            problem = "holds no certificates in PEM form"
        except (OSError, ValueError):
            problem = "cannot be read"
        raise ConfigError(f"{self.setting}{f' {shown(self.file)}' if self.file else ''} {problem}")


SYSTEM = Authority(setting="the system's store of certificates")


def authority_of(
    setting: str, *, file: str | os.PathLike[str] | None = None, pem: str | None = None
) -> Authority:
    """Return the authority that a setting names, loaded once to see that it can be.

    Raises:
        ConfigError: It cannot.
    """
    path = None if file is None else os.path.expanduser(os.fspath(file))
    authority = Authority(setting=setting, file=path, pem=pem)
    authority.context()
    return authority
