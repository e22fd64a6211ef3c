"""``.env`` files for local development: four layers, no interpolation, never written to ``os.environ``."""

from __future__ import annotations

import os

from secretsource._secret import MaskedStr, masked
from secretsource.errors import ConfigError, Reason, resolver_error
from secretsource.resolvers import Answer, Deadline, Document, Health, Location
from secretsource.resolvers._dotenv_file import DotenvFile, Parsed
from secretsource.resolvers._folders import nearest_folder, project_folders
from secretsource.resolvers._modes import mode_of
from secretsource.resolvers._variables import below, locate_variable, start_of

__all__ = ["DotenvResolver", "layers"]

_LOCAL = ".local"


class DotenvResolver:
    """Reads ``PEPIPOST_API_KEY`` for the name ``pepipost/api_key`` from the layers of ``.env``.

    The first layer that has the variable wins: ``.env.{profile}.local``, ``.env.local``, ``.env.{profile}``, ``.env``.
    They lie in the nearest folder that has one of them, from the working directory up to the project's root (the first
    folder with ``.git`` or ``pyproject.toml``), never above. The files are looked at anew with every fetch, and parsed
    when they have changed.

    Args:
        name: The configured name.
        path: A folder with the layers, or one file, instead of looking for them.
        prefix: Put before the variable of a name, as it stands. Not applied to references.
        profile: The active profile, for the layers that are named after it.

    Raises:
        ConfigError: A file is world-writable, another user's, not UTF-8 text, no regular file, or larger than 10,000
            lines or 1 MiB.
    """

    local = True

    def __init__(
        self, name: str = "dotenv", *, path: str | None = None, prefix: str = "", profile: str | None = None
    ) -> None:
        if path is not None and not path:
            raise ConfigError(
                f"path of the resolver {name!r} is empty; give a file or folder, or leave it out"
            )
        self.name = name
        self._prefix = prefix
        self._files = [DotenvFile(layer, named=path is not None) for layer in _paths(path, layers(profile))]
        for file in self._files:
            file.check()

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say which variable holds *name*; ``dotenv://VARIABLE`` names it as it stands."""
        where = ", ".join(os.path.basename(file.path) for file in self._files)
        return locate_variable(name, self.name, self._prefix, f" in {where}", document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Answer:  # noqa: ARG002 - never waits
        """Look through the layers.

        Raises:
            ConfigError: A file may not be trusted.
            AccessDenied: A file may not be read.
            InvalidResponse: A file has lines that cannot be read, and the variable was not found up to there.
        """
        if location.document:
            return self._gather(start_of(location.address))
        for file in self._files:
            parsed = file.parsed()
            value = parsed.values.get(location.address)
            if value is not None:
                return Document(value=value)
            _no_line_is_broken(file.path, parsed)
        return None

    def put(
        self, location: Location, value: str | bytes, deadline: Deadline, *, expected: str | None = None
    ) -> Document:
        """Write *value*, read it back and compare; see `SupportsPut`.

        The layer that has the variable gets it. Without any, it is the first of the ``.local`` layers that is there, or
        ``.env.{profile}.local``, or ``.env`` without a profile. All other bytes of the file stay, and its mode and
        owner; a new file is for its owner alone.

        Raises:
            WriteConflict: *expected* was given: a file has no versions to compare. Or others change it all the time.
            ConfigError: A file may not be trusted.
        """
        from secretsource.resolvers._dotenv_put import check_put, put_value
        from secretsource.resolvers._put import NOT_THE_SAME

        value = masked(value)
        text = check_put(location, value, expected)
        put_value(self._layer_for(location.address), location.address, text, deadline)
        answer = self.fetch(location, deadline)
        if not isinstance(answer, Document) or answer.value != text:
            raise resolver_error(Reason.BROKEN, NOT_THE_SAME, location=str(location))
        return answer

    def check(self, deadline: Deadline) -> Health:  # noqa: ARG002 - never waits
        """Tell which layers there are, and who may read them.

        Raises:
            ConfigError: A file may not be trusted.
            AccessDenied: A file may not be read.
            InvalidResponse: A file has lines that cannot be read.
        """
        for file in self._files:
            _no_line_is_broken(file.path, file.parsed())
        there = [told for file in self._files if (told := _told(file.path))]
        names = ", ".join(os.path.basename(file.path) for file in self._files)
        folder = f" in {os.path.dirname(self._files[0].path)}" if self._files else ""
        return Health(detail=(", ".join(there) if there else f"no {names or 'files'}") + folder)

    def __repr__(self) -> str:
        """Return the name and the files."""
        return f"DotenvResolver(name={self.name!r}, files={[file.path for file in self._files]})"

    def _layer_for(self, variable: str) -> DotenvFile:
        """Return the file that is to hold *variable*: where it is now, else one that is not shared with others."""
        for file in self._files:
            parsed = file.parsed()
            if variable in parsed.values:
                return file
            _no_line_is_broken(file.path, parsed)
        if not self._files:
            raise resolver_error(Reason.DENIED, "there is no folder for a .env file")
        local = [file for file in self._files if file.path.endswith(_LOCAL)]
        there = [file for file in local if os.path.exists(file.path)]
        has_profile = len(local) > 1
        return (there or (local if has_profile else self._files[-1:]) or self._files)[0]

    def _gather(self, path: str) -> Answer:
        fields: dict[str, MaskedStr] = {}
        for file in reversed(self._files):
            parsed = file.parsed()
            _no_line_is_broken(file.path, parsed)
            fields |= {
                below(variable, path): value
                for variable, value in parsed.values.items()
                if variable.startswith(path) and variable != path
            }
        return Document(fields=fields) if fields else None


def layers(profile: str | None) -> list[str]:
    """Return the names of the layers, the one that wins first."""
    if profile is None:
        return [".env.local", ".env"]
    return [f".env.{profile}.local", ".env.local", f".env.{profile}", ".env"]


def _paths(path: str | None, names: list[str]) -> list[str]:
    if path is not None and not os.path.isdir(path):
        return [os.path.abspath(path)]
    found = path or nearest_folder(names)
    folders = project_folders()[:1] if found is None else [os.path.abspath(found)]
    return [os.path.join(folder, name) for folder in folders for name in names]


def _told(path: str) -> str:
    """Return the file's name and who may read it; an empty text if it is not there."""
    try:
        mode = mode_of(os.stat(path))
    except OSError:
        return ""
    return os.path.basename(path) + (f" ({mode})" if mode else "")


def _no_line_is_broken(path: str, parsed: Parsed) -> None:
    """Refuse to say "not there", or to look in a layer below, where a line cannot be read: it may be the one."""
    if parsed.broken_lines:
        raise resolver_error(
            Reason.BROKEN, f"{path}: line {parsed.broken_lines[0]} cannot be read; write KEY=value"
        )
