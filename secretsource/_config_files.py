"""Where the configuration stands: ``secretsource.toml``, ``pyproject.toml`` and ``SECRETSOURCE_*`` variables."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Final, NamedTuple

from secretsource._nearest import nearest
from secretsource.errors import ConfigError, ResolverError
from secretsource.resolvers._file import read_file
from secretsource.resolvers._folders import project_folders

__all__ = ["PREFIX", "ConfigFile", "find_config", "read_variables"]

PREFIX: Final = "SECRETSOURCE_"
_FILE = "secretsource.toml"
_PYPROJECT = "pyproject.toml"
_NUMBERS = ("max_entries", "max_concurrency")
_SECONDS = ("ttl", "max_stale", "negative_ttl", "timeout")
_TEXTS = ("profile", "references")


class ConfigFile(NamedTuple):
    """One file, and the table of ours in it."""

    path: str
    table: Mapping[str, object]


def find_config(path: str | None) -> ConfigFile | None:
    """Return the configuration file.

    Args:
        path: The file to read; without it, the nearest one from the working directory up to the project's root.

    Raises:
        ConfigError: The file is missing although it was named, is no TOML, or is writable by everybody.
    """
    if path is not None:
        table = _table(path)
        if table is None:
            raise ConfigError(f"{path}: there is no such file, or it has no table [tool.secretsource]")
        return ConfigFile(path, table)
    for folder in project_folders():
        for name in (_FILE, _PYPROJECT):
            candidate = os.path.join(folder, name)
            if (table := _table(candidate)) is not None:
                return ConfigFile(candidate, table)
    return None


def read_variables() -> dict[str, object]:
    """Return the settings that ``SECRETSOURCE_*`` variables make, by key.

    Raises:
        ConfigError: A variable is unknown, or its text is no number where one is needed.
    """
    settings: dict[str, object] = {}
    for variable, text in os.environ.items():
        if variable.startswith(PREFIX):
            key = variable.removeprefix(PREFIX).lower()
            settings[key] = _converted(variable, key, text)
    return settings


def _converted(variable: str, key: str, text: str) -> object:
    if key in _TEXTS or key == "config":
        return text
    if key == "chain":
        return [name.strip() for name in text.split(",") if name.strip()]
    if key not in _NUMBERS + _SECONDS:
        known = [PREFIX + each.upper() for each in ("chain", "config", *_TEXTS, *_NUMBERS, *_SECONDS)]
        raise ConfigError(f"the environment variable {variable} is not known; {nearest(variable, known)}")
    try:
        return int(text) if key in _NUMBERS else float(text)
    except ValueError:
        pass
    raise ConfigError(f"the environment variable {variable} must be a number")


def _table(path: str) -> Mapping[str, object] | None:
    content = _content(path)
    if content is None:
        return None
    import tomllib  # noqa: PLC0415 - only where there is a file

    problem = ""
    try:
        whole = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        whole, problem = {}, _without_content(error)
    if os.path.basename(path) == _PYPROJECT:
        # a broken pyproject.toml is for its own tools to tell, unless ours is certainly meant
        table = whole.get("tool", {}).get("secretsource")
        return table if isinstance(table, Mapping) else None
    if problem:
        raise ConfigError(f"{path} is no TOML: {problem}")
    return whole


def _content(path: str) -> bytes | None:
    problem = ""
    try:
        found = read_file(path)
    except ResolverError as error:
        found, problem = None, str(error)
    if problem:
        raise ConfigError(f"{path} cannot be read: {problem}")
    if found is None:
        return None
    content, status = found
    if status.st_mode & stat.S_IWOTH and os.name == "posix":
        raise ConfigError(
            f"{path} is writable by everybody, so anybody may have put settings there: chmod o-w it"
        )
    return content


def _without_content(error: ValueError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
