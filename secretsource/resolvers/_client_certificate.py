"""The certificate that we show to a server, with its private key: files, looked at again for each new connection."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretsource._reference import shown
from secretsource.errors import ConfigError
from secretsource.resolvers._pem import check_no_pem
from secretsource.resolvers._trust import why_not_trusted

if TYPE_CHECKING:
    import ssl

__all__ = ["ClientCertificate", "client_certificate_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """Where certificate and key are.

    Attributes:
        setting: What to call them in messages, such as ``client_cert``.
        cert: The file with the certificate, and with those that vouch for it where the server does not know them.
        key: The file with the private key.
    """

    setting: str
    cert: str
    key: str

    def load_into(self, context: ssl.SSLContext) -> None:
        """Have *context* show them to servers that ask.

        Whoever can write the key can have us log in as somebody else, so a key that everybody may write is refused. One
        that everybody may read is not: it is what Kubernetes makes of a secret that it mounts.

        Raises:
            ConfigError: They cannot be read or used.
        """
        import ssl

        asked: list[bool] = []  # whether the key asks for a passphrase, which nobody is there to type

        def no_passphrase() -> str:
            asked.append(True)
            return ""

        problem = ""
        try:
            problem = why_not_trusted(self.key, os.stat(self.key), named=True)
            if not problem:
                context.load_cert_chain(self.cert, self.key, no_passphrase)
        except ssl.SSLError as error:
            why = _WORDS.get(error.reason or "", "hold no certificate and private key in PEM form")
            problem = f"{self._files} {'need a passphrase, and none can be given' if asked else why}"
        except (OSError, ValueError):
            problem = f"{self._files} cannot be read"
        if problem:
            raise ConfigError(f"{self.setting}: {problem}")

    @property
    def _files(self) -> str:
        return shown(self.cert) if self.cert == self.key else f"{shown(self.cert)} and {shown(self.key)}"


_WORDS = {"KEY_VALUES_MISMATCH": "do not belong together", "KEY_TYPE_MISMATCH": "do not belong together"}


def client_certificate_of(setting: str, *, cert: str, key: str | None = None) -> ClientCertificate:
    """Return the certificate that a setting names.

    Args:
        setting: What to call it in messages.
        cert: The file with the certificate.
        key: The file with the private key; `None` if it stands in the same file.
    """
    check_no_pem(os.fspath(cert), setting)
    check_no_pem(os.fspath(key or ""), f"the key of {setting}")
    cert = _plain(cert)
    return ClientCertificate(setting=setting, cert=cert, key=cert if key is None else _plain(key))


def _plain(path: str) -> str:
    """Return a path that may have been masked while it could hold a key."""
    return os.path.expanduser(str(os.fspath(path)))
