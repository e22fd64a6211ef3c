"""The key store of the operating system, through the package keyring: for laptops."""

from __future__ import annotations

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._masked import MaskedStr, masked
from secretsource._reference import check_resolver_name
from secretsource.errors import InvalidValue, Reason, resolver_error
from secretsource.resolvers import Answer, Document, Health, Location
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers._oversize import is_larger
from secretsource.resolvers._put import NOT_THE_SAME, check_unversioned
from secretsource.resolvers.keyring._calls import LARGEST, Calls
from secretsource.resolvers.keyring._failure import Failure
from secretsource.resolvers.keyring._keys import locate, service_and_user
from secretsource.resolvers.keyring._settings import Settings

__all__ = ["KeyringResolver"]

# All that a first read imports.
_MODULES = (
    "keyring",
    "keyring.backends.SecretService",
    "keyring.backends.Windows",
    "keyring.backends.chainer",
    "keyring.backends.kwallet",
    "keyring.backends.libsecret",
    "keyring.backends.macOS",
    "secretsource.resolvers.keyring._stores",
)


class KeyringResolver:
    """Reads one value of the macOS Keychain, the Windows Credential Locker, the Secret Service or KWallet.

    The name ``pepipost/api_key`` is the user of that name in the service ``secretsource``; a reference says both:
    ``keyring://service/user``.

    A store that is not known to be encrypted by the operating system is never read or written: not the files of
    keyrings.alt, which keyring falls back to on a machine without a desktop, and not a chain that has one of them.

    The key store may ask its user for a password. Whoever reads waits until the deadline and no longer; the question
    stays on the screen, and the next read finds the store open.
    """

    def __init__(
        self,
        name: str = "keyring",
        *,
        service: str = "secretsource",
        prefix: str = "",
        backend: str | None = None,
    ) -> None:
        """Check the settings; nothing is imported or asked yet.

        Args:
            name: The configured name, which is also the scheme of references.
            service: The service that all names belong to.
            prefix: Written before each name as it stands; not before references.
            backend: The class of keyring to use, as ``module.Class``, and not the one that keyring chooses. It may be
                one that is not known here, but none that is known to keep values in plain text.

        Raises:
            ConfigError: A setting is wrong.
            MissingDependency: keyring is not installed.
        """
        self.name = check_resolver_name(name)
        self._settings = Settings(service=service, prefix=prefix, backend=backend)
        check_installed(name, "keyring", modules=("keyring",), extra="keyring")
        self._calls = PerProcess(lambda: Calls(self._settings.backend), modules=_MODULES)

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say which service and user *name* stands for; no I/O.

        Raises:
            InvalidReference: It is malformed, belongs to another resolver, or asks for a whole document, a version, a
                stage or a field.
        """
        return locate(
            name,
            resolver=self.name,
            service=self._settings.service,
            prefix=self._settings.prefix,
            document=document,
        )

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Read the value at *location*; see `Resolver.fetch` for what is returned and raised.

        Raises:
            ConfigError: The key store is one that keeps values in plain text, or is not known.
        """
        value = self._read(location, deadline)
        return None if value is None else Document(value=value)

    def put(
        self, location: Location, value: str | bytes, deadline: Deadline, *, expected: str | None = None
    ) -> Document:
        """Write *value*, read it back and compare; see `SupportsPut`.

        Raises:
            WriteConflict: *expected* was given: key stores have no versions to compare.
        """
        value = masked(value)
        check_unversioned(expected, "a key store", location)
        if not isinstance(value, MaskedStr):
            raise InvalidValue(f"{location} cannot hold bytes: a key store holds text")
        failure = self._calls.get().write(*service_and_user(location), value, deadline)
        if failure is not None:
            raise failure.error(self.name, str(location))
        if self._read(location, deadline) != value:
            raise resolver_error(Reason.BROKEN, NOT_THE_SAME, location=str(location))
        return Document(value=value)

    def check(self, deadline: Deadline) -> Health:
        """Say which key store would be asked; see `SupportsCheck`. Whether it is locked shows with the first read."""
        said = self._calls.get().names(deadline)
        if isinstance(said, Failure):
            raise said.error(self.name, "")
        return Health(detail=", ".join(said))

    def __repr__(self) -> str:
        """Return the name and the settings, none of which is a credential."""
        asked = getattr(self, "_settings", None)
        return f"KeyringResolver(name={getattr(self, 'name', None)!r}, settings={asked!r})"

    def _read(self, location: Location, deadline: Deadline) -> MaskedStr | None:
        said = self._calls.get().read(*service_and_user(location), deadline)
        if isinstance(said, Failure):
            raise said.error(self.name, str(location))
        if said is not None and is_larger(said, LARGEST):
            raise resolver_error(Reason.BROKEN, f"more than {LARGEST} bytes", location=str(location))
        return said
