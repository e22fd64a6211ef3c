"""Mounted secret files: Docker's ``/run/secrets``, systemd's credentials, Kubernetes volumes, any folder."""

from __future__ import annotations

import contextlib
import os

from secretsource._reference import check_name, is_reference, shown
from secretsource._secret import MaskedBytes, Value
from secretsource.errors import ConfigError, InvalidReference, Reason, resolver_error
from secretsource.resolvers import Answer, Deadline, Document, Health, Location, NotThere
from secretsource.resolvers._file import file_value, read_file
from secretsource.resolvers._modes import mode_of
from secretsource.resolvers._own_reference import own_reference

__all__ = ["FilesResolver"]

_DOCKER = "/run/secrets"
_SYSTEMD = "CREDENTIALS_DIRECTORY"


class FilesResolver:
    """Reads the file ``pepipost/api_key`` or ``pepipost_api_key`` below its folders.

    Links may be followed inside a folder, as Kubernetes' ``..data`` needs; one that leaves it is refused.

    Args:
        name: The configured name.
        path: The folder, instead of ``/run/secrets`` and ``$CREDENTIALS_DIRECTORY``.
        prefix: Put before the name, as it stands: ``prod/``. Not applied to references.
        exact: Keep the line's end of a file with a single line; without it, that line's end is dropped.

    Raises:
        ConfigError: *path* is empty, or *prefix* leads out of the folders.
    """

    local = True

    def __init__(
        self, name: str = "files", *, path: str | None = None, prefix: str = "", exact: bool = False
    ) -> None:
        if path is not None and not path:
            raise ConfigError(f"path of the resolver {name!r} is empty; give a folder, or leave it out")
        if prefix.startswith("/") or {".", ".."} & set(prefix.split("/")):
            raise ConfigError(
                f"prefix of the resolver {name!r} must stay in its folders; write it like 'prod/'"
            )
        self.name = name
        self._path = None if path is None else os.path.abspath(path)
        self._prefix = prefix
        self._exact = exact

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say which file holds *name*; ``file:///run/secrets/x`` names it as it stands."""
        if not is_reference(name):
            return self._below_folders(self._prefix + check_name(name), document=document)
        reference = own_reference(name, self.name, "file")
        if reference.version or reference.stage or reference.field is not None:
            raise InvalidReference(
                f"{shown(name)}: a file has no version, stage or field; write file:///path"
            )
        if reference.path.startswith("/"):
            text = reference.path + ("/*" if document else "")
            return Location(address=reference.path + ("/" if document else ""), document=document, text=text)
        return self._below_folders(reference.path, document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Answer:  # noqa: ARG002 - never waits
        """Read the file, or all files below a path.

        Raises:
            AccessDenied: The file or folder may not be read, or is a link that leaves its folder.
            InvalidResponse: It is no regular file, or larger than 1 MiB.
        """
        if location.document:
            return self._gather(location.address.removesuffix("/"))
        for path, folder in self._candidates(location.address):
            value = self._value(path, folder)
            if value is not None:
                return Document(value=value)
        if self._path is not None and not location.address.startswith("/") and not os.path.isdir(self._path):
            return NotThere(Reason.MISSING, "the folder does not exist")
        return None

    def check(self, deadline: Deadline) -> Health:  # noqa: ARG002 - never waits
        """Tell which folders there are, how many files each one holds, and who may read it.

        Raises:
            AccessDenied: A folder may not be entered.
        """
        return Health(detail="; ".join(map(_told, self._folders())))

    def __repr__(self) -> str:
        """Return the name and the folders."""
        return f"FilesResolver(name={self.name!r}, folders={self._folders()})"

    def _folders(self) -> list[str]:
        if self._path is not None:
            return [self._path]
        return [_DOCKER, *([systemd] if (systemd := os.environ.get(_SYSTEMD)) else [])]

    def _below_folders(self, relative: str, *, document: bool) -> Location:
        where = "|".join([self._path] if self._path is not None else [_DOCKER, f"${_SYSTEMD}"])
        end = "/*" if document else ""
        other = relative.replace("/", "_") + end.replace("/", "_")
        text = f"{where}/{relative}{end}" + (f" or {other}" if "/" in relative + end else "")
        return Location(address=relative + ("/" if document else ""), document=document, text=text)

    def _candidates(self, address: str) -> list[tuple[str, str | None]]:
        """Return path and folder of each file that may hold the secret, the first one first."""
        if address.startswith("/"):
            return [(address, None)]
        spellings = dict.fromkeys([address, address.replace("/", "_")])
        return [
            (os.path.join(folder, spelling), folder) for folder in self._folders() for spelling in spellings
        ]

    def _gather(self, address: str) -> Answer:
        """Read the files below *address*, and those beside it whose names start with it and ``_``."""
        fields: dict[str, Value] = {}
        for path, folder in self._candidates(address):
            parent, base = os.path.split(path)
            below = [(path, entry, entry) for entry in _listed(path)]
            beside = [(parent, entry, entry.removeprefix(f"{base}_")) for entry in _listed(parent)]
            for directory, entry, field in below + [found for found in beside if found[1] != found[2]]:
                if field and field not in fields and not entry.startswith(".."):
                    value = self._value(os.path.join(directory, entry), folder)
                    fields |= {} if value is None else {field: value}
        return Document(fields=fields) if fields else None

    def _value(self, path: str, folder: str | None) -> Value | None:
        found = read_file(path) if folder is None else _read_inside(path, folder)
        return None if found is None else file_value(found[0], exact=self._exact)


def _read_inside(path: str, folder: str) -> tuple[MaskedBytes, os.stat_result] | None:
    """Read a file whose links stay in *folder*; again if Kubernetes has pointed them elsewhere meanwhile."""
    real = ""
    while real != (now := os.path.realpath(path)):
        real = now
        if not _inside(real, folder):
            raise resolver_error(Reason.DENIED, f"{shown(path)} is a link that leaves its folder")
        if (found := read_file(real, follow=False)) is not None:
            return found
    return None


def _inside(real: str, folder: str) -> bool:
    root = os.path.realpath(folder)
    return os.path.commonpath([real, root]) == root and real != root


def _told(folder: str) -> str:
    refused = False
    try:
        status = os.stat(os.path.join(folder, os.curdir))  # asks for the right to enter it too
    except PermissionError:
        refused = True
    except OSError:
        return f"no folder {folder}"
    if refused:
        raise resolver_error(Reason.DENIED, f"{shown(folder)} may not be entered")
    count = "not listed"
    with contextlib.suppress(OSError):  # what is in it may be read by name all the same
        files = [entry for entry in os.listdir(folder) if not entry.startswith("..")]
        count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    return f"{folder} ({', '.join(filter(None, [count, mode_of(status)]))})"


def _listed(directory: str) -> list[str]:
    refused = False
    try:
        return sorted(os.listdir(directory))
    except PermissionError:
        refused = True
    except OSError:
        pass
    if refused:
        raise resolver_error(Reason.DENIED, f"{shown(directory)} may not be listed")
    return []
