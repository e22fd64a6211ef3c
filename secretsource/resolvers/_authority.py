"""Who vouches for a server: given certificates, which replace the system's store, or that store. And for us: ours."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretsource._reference import shown
from secretsource.errors import ConfigError
from secretsource.resolvers._client_certificate import ClientCertificate
from secretsource.resolvers._pem import check_no_pem

if TYPE_CHECKING:
    import ssl

__all__ = ["SYSTEM", "Authority", "authority_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The certificates to trust, and the one to show.

    Attributes:
        setting: What to call them in messages, such as ``ca_file``.
        file: A path, or `None`.
        pem: Text, or `None`; without either, those of the system are trusted.
        client: The certificate that is shown to a server that asks for one, or `None`.
    """

    setting: str
    file: str | None = None
    pem: str | None = None
    client: ClientCertificate | None = None

    def context(self) -> ssl.SSLContext:
        """Load them into a context that verifies certificate and host name.

        Raises:
            ConfigError: They cannot be read, or are none.
        """
        import ssl

        # Words between the certificates may be in any language, which ssl refuses to take.
        pem = self.pem and self.pem.encode("ascii", "replace").decode("ascii")
        try:
            context = ssl.create_default_context(cafile=self.file, cadata=pem)
        except ssl.SSLError:
            problem = "holds no certificates in PEM form"
        except (OSError, ValueError):
            problem = "cannot be read"
        else:
            if self.client is not None:
                self.client.load_into(context)
            return context
        raise ConfigError(f"{self.setting}{f' {shown(self.file)}' if self.file else ''} {problem}")

    def stamp(self) -> tuple[object, ...]:
        """Return what is another when one of the files has changed, as where certificates live for hours only."""
        client = self.client
        files = (self.file, client and client.cert, client and client.key)
        return tuple(_stamp_of(file) for file in files if file)


SYSTEM = Authority(setting="the system's store of certificates")


def authority_of(
    setting: str,
    *,
    file: str | os.PathLike[str] | None = None,
    pem: str | None = None,
    client: ClientCertificate | None = None,
) -> Authority:
    """Return the authority that a setting names, loaded once to see that it can be.

    Args:
        setting: What to call it in messages.
        file: A file with the only certificates to trust; without it and *pem*, those of the system are.
        pem: The same as text.
        client: The certificate to show.

    Raises:
        ConfigError: It cannot be loaded.
    """
    path = None if file is None else os.path.expanduser(os.fspath(file))
    check_no_pem(path or "", setting)
    authority = Authority(setting=setting, file=path, pem=pem, client=client)
    authority.context()
    return authority


def _stamp_of(file: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
