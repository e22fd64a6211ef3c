"""Environment variables, and the files that ``NAME_FILE`` variables name."""

from __future__ import annotations

import os

from secretsource._secret import MaskedStr, Value, text_or_bytes
from secretsource.errors import Reason
from secretsource.resolvers import Answer, Deadline, Document, Health, Location, NotThere
from secretsource.resolvers._file import file_value, read_file
from secretsource.resolvers._variables import below, locate_variable, start_of

__all__ = ["EnvResolver"]

_FILE = "_FILE"


class EnvResolver:
    """Reads ``PEPIPOST_API_KEY`` for the name ``pepipost/api_key``, or the file that ``PEPIPOST_API_KEY_FILE`` names.

    The variable itself wins over the file. The environment is read at each fetch, so a change is seen within a second.

    Args:
        name: The configured name.
        prefix: Put before the variable of a name, as it stands: ``MYAPP_``. Not applied to references.
    """

    local = True

    def __init__(self, name: str = "env", *, prefix: str = "") -> None:
        self.name = name
        self._prefix = prefix

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say which variable holds *name*; ``env://VARIABLE`` names it as it stands."""
        return locate_variable(name, self.name, self._prefix, "", document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Answer:  # noqa: ARG002 - never waits
        """Read the variable, or the file that its ``_FILE`` variable names.

        Raises:
            AccessDenied: That file may not be read.
            InvalidResponse: It is no regular file, or larger than 1 MiB.
        """
        if location.document:
            return _gather(start_of(location.address))
        return _read(location.address)

    def check(self, deadline: Deadline) -> Health:  # noqa: ARG002 - never waits
        """Tell how many variables have the prefix; without one there is nothing to tell."""
        if not self._prefix:
            return Health()
        count = sum(variable.startswith(self._prefix) for variable in os.environ)
        return Health(detail=f"{count} variable{'' if count == 1 else 's'} named {self._prefix}…")

    def __repr__(self) -> str:
        """Return the name and the prefix."""
        return f"EnvResolver(name={self.name!r}, prefix={self._prefix!r})"


def _read(variable: str) -> Answer:
    value = os.environ.get(variable)
    if value is not None:
        return Document(value=_decoded(value))
    path = os.environ.get(variable + _FILE)
    if path is None:
        return None
    found = read_file(path)
    if found is None:
        return NotThere(Reason.MISSING, f"there is no file where {variable}{_FILE} points")
    return Document(value=file_value(found[0]))


def _decoded(value: str) -> Value:
    """Return the value; the bytes that a variable holds when they are no UTF-8 come as surrogates in a `str`."""
    return MaskedStr(value) if value.isascii() else text_or_bytes(os.fsencode(value))


def _gather(path: str) -> Answer:
    fields: dict[str, Value] = {}
    for variable in sorted(
        {_without_file(key, path) for key in os.environ if key.startswith(path) and key != path}
    ):
        answer = _read(variable)
        if isinstance(answer, Document) and answer.value is not None:
            fields[below(variable, path)] = answer.value
    return Document(fields=fields) if fields else None


def _without_file(variable: str, path: str) -> str:
    plain = variable.removesuffix(_FILE)
    return plain if len(plain) > len(path) else variable
