"""Where in Vault a name or a reference is; no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from secretsource._reference import check_name, is_reference, shown, split_name
from secretsource.errors import ConfigError, InvalidReference
from secretsource.resolvers import Location
from secretsource.resolvers._own_reference import own_reference
from secretsource.resolvers.vault._paths import check_path

__all__ = ["Places", "places_of"]

_MAX_VERSION_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Places:
    """Where one resolver looks.

    Attributes:
        resolver: Its configured name, which is the scheme of its references.
        mount: The mount of names.
        prefix: What stands before names.
    """

    resolver: str
    mount: str
    prefix: str

    def locate(self, text: str, *, document: bool) -> Location:
        """Say where a name or reference is.

        Raises:
            InvalidReference: It is none, or asks for what Vault does not have, such as a stage.
        """
        if is_reference(text):
            return self._locate_reference(text, document=document)
        path, field = (check_name(text), None) if document else split_name(check_name(text))
        # The prefix was checked with a name behind it, and once more all is checked as a whole.
        address = check_path(f"{self.mount}/{check_name(self.prefix + path)}")
        return Location(address=address, field=None if document else field or "value", document=document)

    def _locate_reference(self, text: str, *, document: bool) -> Location:
        reference = own_reference(text, self.resolver)
        if reference.stage is not None:
            raise InvalidReference(f"{shown(text)}: Vault has no stages; versions are numbers, ?version=3")
        if document and reference.field is not None:
            raise InvalidReference(f"{shown(text)} names one key, where a whole document is asked for")
        if "/" not in reference.path.strip("/") or reference.path.startswith("/"):
            raise InvalidReference(
                f"{shown(text)} must name a mount and a path: {self.resolver}://secret/path#key"
            )
        return Location(
            address=check_path(reference.path),
            field=None if document else reference.field or "value",
            version=_check_version(text, reference.version),
            document=document,
        )


def places_of(resolver: str, mount: str, prefix: str) -> Places:
    """Check the settings ``mount`` and ``prefix``.

    Raises:
        ConfigError: One of them cannot be used.
    """
    return Places(resolver, _check_mount(resolver, mount), _check_prefix(resolver, prefix))


def _check_mount(resolver: str, mount: str) -> str:
    try:
        return check_path(check_name(mount.strip("/")))
    except InvalidReference:
        pass
    raise ConfigError(
        f"the mount {shown(mount)} under [resolvers.{resolver}] is no path of a mount, such as 'secret'"
    )


def _check_prefix(resolver: str, prefix: str) -> str:
    try:
        check_name(prefix + "x")
        return prefix
    except InvalidReference:
        pass
    raise ConfigError(
        f"the prefix {shown(prefix)} under [resolvers.{resolver}] cannot stand before a name: write 'prod/'"
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
