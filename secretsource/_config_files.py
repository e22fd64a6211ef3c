"""Where the configuration stands: ``secretsource.toml``, ``pyproject.toml`` and ``SECRETSOURCE_*`` variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from secretsource._credentials import with_masked_credentials
from secretsource._masked import MaskedBytes, MaskedStr
from secretsource._nearest import nearest
from secretsource._record import Record
from secretsource._reference import shown
from secretsource.errors import ConfigError, ResolverError
from secretsource.resolvers._file import read_file
from secretsource.resolvers._folders import project_folders
from secretsource.resolvers._trust import why_not_trusted

__all__ = [
    "COUNTS",
    "PREFIX",
    "SECONDS",
    "ConfigFile",
    "find_config",
    "is_count",
    "is_seconds",
    "read_variables",
]

PREFIX: Final = "SECRETSOURCE_"
_FILE = "secretsource.toml"
_PYPROJECT = "pyproject.toml"
COUNTS: Final = ("max_concurrency", "max_entries")
SECONDS: Final = ("max_stale", "negative_ttl", "stale_wait", "timeout", "ttl")
_TEXTS = ("config", "profile", "references")
_KNOWN = ("chain", *_TEXTS, *COUNTS, *SECONDS)
_MOST_SECONDS = 1_000_000_000  # 30 years; what a lock can wait is not much more


class ConfigFile(Record, kw_only=False):
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
        table = _table(path, named=True)
        if table is None:
            there = "no table [tool.secretsource]" if os.path.isfile(path) else "no file"
            raise ConfigError(f"{path}: {there if os.path.exists(path) else 'no such file'}")
        return ConfigFile(path, table)
    for folder in project_folders():
        for name in (_FILE, _PYPROJECT):
            candidate = os.path.join(folder, name)
            if (table := _table(candidate, named=False)) is not None:
                return ConfigFile(candidate, table)
    return None


def read_variables() -> dict[str, object]:
    """Return the settings that ``SECRETSOURCE_*`` variables make, by key.

    Raises:
        ConfigError: A variable is unknown, or its text is no number where one is needed.
    """
    settings: dict[str, object] = {}
    for variable in [name for name in os.environ if name.startswith(PREFIX)]:
        key = variable.removeprefix(PREFIX).lower()
        settings[key] = _converted(variable, key, MaskedStr(os.environ[variable]))
    return settings


def _converted(variable: str, key: str, text: MaskedStr) -> object:
    """Return what a variable says. It is masked until its key is known: a credential may stand in the wrong place."""
    if key in _KNOWN and not text.strip(" ,"):
        raise ConfigError(f"the environment variable {variable} is empty: set it, or take it away")
    if key in _TEXTS:
        return text.reveal()
    if key == "chain":
        return [name.strip() for name in text.split(",") if name.strip()]
    if key not in _KNOWN:
        known = [each.upper() for each in _KNOWN]
        raise ConfigError(
            f"the environment variable {shown(variable)} is not known; {nearest(key.upper(), known, PREFIX)}; "
            "resolvers and secrets are configured in the file"
        )
    number = _number(key, text)
    if not (is_count(number) if key in COUNTS else is_seconds(number)):
        wanted = "a whole number, 1 or more" if key in COUNTS else "a number of seconds, 0 or more"
        raise ConfigError(f"the environment variable {variable} must be {wanted}")
    return number


def _number(key: str, text: str) -> object:
    try:
        return int(text) if key in COUNTS else float(text)
    except ValueError:
        return None


def is_count(value: object) -> bool:
    """Whether *value* can say how many."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def is_seconds(value: object) -> bool:
    """Whether *value* can say how long."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST_SECONDS


def _table(path: str, *, named: bool) -> Mapping[str, object] | None:
    found = _read(path)
    if found is None:
        return None
    content, status = found
    whole, problem = _parsed(content)
    table: object = whole
    if os.path.basename(path) == _PYPROJECT:
        tool = whole.get("tool")
        table = tool.get("secretsource") if isinstance(tool, Mapping) else None
        # the others' tables are for their own tools to complain about
        if table is None and not (problem and content.find(b"secretsource") >= 0):
            return None
    if doubt := why_not_trusted(path, status, named=named):
        raise ConfigError(doubt)
    if problem:
        raise ConfigError(f"{path} is no TOML: {problem}")
    if not isinstance(table, Mapping):
        raise ConfigError(f"{path}: tool.secretsource must be a table")
    return table


def _parsed(content: MaskedBytes) -> tuple[Mapping[str, object], str]:
    """Return what a file holds, or what is wrong with it, in words that repeat no value."""
    import tomllib  # noqa: PLC0415 - only where there is a file

    try:
        return with_masked_credentials(tomllib.loads(content.decode("utf-8-sig"))), ""
    except UnicodeDecodeError:
        return {}, "it is not UTF-8"
    except tomllib.TOMLDecodeError as error:
        return {}, str(error)
    except RecursionError:
        return {}, "it is nested too deeply"


def _read(path: str) -> tuple[MaskedBytes, os.stat_result] | None:
    problem = ""
    try:
        found = read_file(path)
    except ResolverError as error:
        found, problem = None, error.detail
    if problem:
        raise ConfigError(f"the configuration cannot be read: {problem}")
    return found
