"""The configuration: keyword arguments, variables and files, merged and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final, Self

from secretsource._chain import Link
from secretsource._config_files import (
    COUNTS,
    SECONDS,
    ConfigFile,
    find_config,
    is_count,
    is_seconds,
    read_variables,
)
from secretsource._credentials import refuse_literals, with_masked_credentials
from secretsource._nearest import nearest
from secretsource._record import Record
from secretsource._reference import (
    MAX_NAME,
    check_name,
    check_resolver_name,
    is_reference,
    parse_reference,
    shown,
)
from secretsource._registry import BUILT_IN
from secretsource.errors import ConfigError, InvalidReference
from secretsource.resolvers import Resolver, is_resolver
from secretsource.resolvers._folders import nearest_folder
from secretsource.resolvers._pem import check_no_pem

__all__ = ["Config", "SecretConfig"]

_ARGUMENTS: Final = "configure()"
_DEFAULT_CHAIN: Final = ("env", "dotenv")
_SECRET_KEYS: Final = ("description", "required", "ttl")
_PATHS: Final = ("client_cert", "client_key", "path")  # of resolvers, besides all that end in _file


class SecretConfig(Record):
    """What the configuration says about one name.

    Attributes:
        description: What it is for, in words.
        required: Whether commands and integrations that read all names need it.
        ttl: Seconds for which its value is kept; `None` for the link's or the store's.
        references: Where it is placed, by resolver name, as complete references.
    """

    description: str = ""
    required: bool = True
    ttl: float | None = None
    references: Mapping[str, str] = {}


class Config(Record, hidden=("resolvers",)):
    """A checked configuration. `load` puts it together; the constructor takes it as it is.

    Attributes:
        chain: The links in order: names of resolvers, resolver objects, or `Link` objects.
        profile: The active profile, or `None`.
        ttl: Seconds for which a value is kept.
        max_stale: Seconds past the ttl for which it is served while its backend is down.
        stale_wait: Seconds that a reader waits for a backend at most while there is an old value to serve.
        negative_ttl: Seconds for which "not there" is kept.
        timeout: Seconds for a whole call.
        max_entries: How many documents are kept.
        max_concurrency: How many fetches run at once.
        references: ``"anywhere"``, or ``"config"`` to let `get_secret` take names alone.
        resolvers: The settings of each resolver, by its name.
        secrets: What is said about single names.
        source: Where it comes from, for messages.
    """

    chain: Sequence[str | Resolver | Link] = _DEFAULT_CHAIN
    profile: str | None = None
    ttl: float = 300.0
    max_stale: float = 900.0
    stale_wait: float = 1.0
    negative_ttl: float = 5.0
    timeout: float = 10.0
    max_entries: int = 1024
    max_concurrency: int = 16
    references: str = "anywhere"
    resolvers: Mapping[str, Mapping[str, object]] = {}
    secrets: Mapping[str, SecretConfig] = {}
    source: str = _ARGUMENTS

    @classmethod
    def load(cls, **settings: object) -> Self:
        """Put the configuration together: keyword arguments, then ``SECRETSOURCE_*`` variables, then the file.

        Args:
            **settings: The attributes of this class, with ``secrets`` and ``resolvers`` as in the file; and
                ``config_file``, the path of the file instead of looking for one.

        Raises:
            ConfigError: A key is unknown (with the nearest known one), a value has the wrong type or is out of range,
                the profile is not known, or the file cannot be trusted.
        """
        settings = with_masked_credentials(settings)
        _known_keys(settings, [*_TOP_KEYS, "config_file"], _ARGUMENTS)
        variables = read_variables()
        path = settings.get("config_file", variables.pop("config", None))
        file = find_config(None if path is None else str(path))
        given = {**variables, **{key: value for key, value in settings.items() if key != "config_file"}}
        profile = given.get("profile", None if file is None else file.table.get("profile"))
        base = {} if file is None else _of_file(file, profile)
        _known_profile(profile, file)
        _check_values(settings, _ARGUMENTS)
        # The others are checked as they are read.
        _check_values(variables, "the environment variable SECRETSOURCE_CHAIN")
        source = _ARGUMENTS if file is None or {"chain", "resolvers"} & settings.keys() else file.path
        return cls(**_checked(_merged(base, given), source), source=source)  # type: ignore[arg-type]  # checked


_TOP_KEYS: Final = tuple(field for field in Config._fields if field != "source")


def _of_file(file: ConfigFile, profile: object) -> dict[str, object]:
    """Return the file's settings, with those of the active profile over the others."""
    _known_keys(file.table, [*_TOP_KEYS, "profiles"], file.path)
    base = {key: value for key, value in file.table.items() if key != "profiles"}
    _without_literals(base, f"{file.path}: resolvers")
    profiles = _table(file.table.get("profiles", {}), f"{file.path}: profiles")
    for name, table in profiles.items():
        where = _at(f"{file.path}: profiles", name)
        settings = _table(table, where)
        _known_keys(settings, [key for key in _TOP_KEYS if key != "profile"], where)
        _without_literals(settings, f"{where}.resolvers")
    merged = _merged(base, _table(profiles.get(profile, {}), file.path) if isinstance(profile, str) else base)
    return {**merged, "resolvers": _from_folder(merged.get("resolvers", {}), file.path)}


def _from_folder(resolvers: object, source: str) -> object:
    """Let relative paths start at the folder of the file that holds them, wherever the program was started."""
    if not isinstance(resolvers, Mapping):
        return resolvers
    return {
        name: {
            key: _path(value, source, _at(f"{source}: resolvers.{name}", key))
            if isinstance(value, str) and (key in _PATHS or str(key).endswith("_file"))
            else value
            for key, value in settings.items()
        }
        if isinstance(settings, Mapping)
        else settings
        for name, settings in resolvers.items()
    }


def _path(value: str, source: str, where: str) -> str:
    if not value.strip():
        raise ConfigError(f"{where} is empty: name a file or a folder, or leave it out")
    check_no_pem(value, where)
    return os.path.join(os.path.dirname(source), os.path.expanduser(value))


def _without_literals(table: Mapping[str, object], where: str) -> None:
    """Refuse credentials in plain text, also in profiles that are not active: the file is where they leak from."""
    for name, settings in _table(table.get("resolvers", {}), where).items():
        at = _at(where, name)
        refuse_literals(_table(_table(settings, at).get("auth", {}), f"{at}.auth"), f"{at}.auth")


def _merged(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Return *base* with *over* on top; ``resolvers`` and ``secrets`` are merged entry by entry."""
    merged = {**base, **over}
    for key in ("resolvers", "secrets"):
        below, above = base.get(key), over.get(key)
        if isinstance(below, Mapping) and isinstance(above, Mapping):
            merged[key] = {
                name: {**below[name], **above[name]}
                if isinstance(below.get(name), Mapping) and isinstance(above.get(name), Mapping)
                else above.get(name, below.get(name))
                for name in [*below, *(each for each in above if each not in below)]
            }
    return merged


def _checked(settings: Mapping[str, object], source: str) -> dict[str, object]:
    checked = dict(settings)
    _check_values(settings, source)
    resolvers = _table(settings.get("resolvers", {}), f"{source}: resolvers")
    checked["resolvers"] = resolvers
    checked["chain"] = _chain(settings.get("chain", _DEFAULT_CHAIN), source)
    links = [link if isinstance(link, str) else link.name for link in checked["chain"]]  # type: ignore[attr-defined]
    known = {*BUILT_IN, *resolvers, *links}
    checked["secrets"] = {
        name: _secret(name, _table(table, _at(f"{source}: secrets", name)), known, source)
        for name, table in _table(settings.get("secrets", {}), f"{source}: secrets").items()
    }
    return checked


def _check_values(settings: Mapping[str, object], source: str) -> None:
    """Check what needs no other setting; *source* is to blame."""
    for key in SECONDS:
        if key in settings and not is_seconds(settings[key]):
            raise ConfigError(f"{source}: {key} must be a number of seconds, 0 or more")
    for key in COUNTS:
        if key in settings and not is_count(settings[key]):
            raise ConfigError(f"{source}: {key} must be a whole number, 1 or more")
    resolvers = _table(settings.get("resolvers", {}), f"{source}: resolvers")
    for name, table in resolvers.items():
        _valid(check_resolver_name, name, f"{source}: resolvers")
        _table(table, f"{source}: resolvers.{name}")
    _chain(settings.get("chain", _DEFAULT_CHAIN), source)


def _chain(value: object, source: str) -> tuple[str | Resolver | Link, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConfigError(f'{source}: chain must be a list of resolvers, such as ["env", "dotenv"]')
    for link in value:
        if isinstance(link, str):
            _valid(check_resolver_name, link, f"{source}: chain")
        elif not isinstance(link, Link) and not is_resolver(link):
            raise ConfigError(
                f"{source}: chain must hold names, resolvers or links, not {type(link).__name__}"
            )
    return tuple(value)


def _secret(name: str, table: Mapping[str, object], known: set[str], source: str) -> SecretConfig:
    _valid(check_name, name, f"{source}: secrets")
    where = f"{source}: secrets.{name}"
    _known_keys(table, [*_SECRET_KEYS, *known], where)
    kinds: Mapping[str, type] = {"description": str, "required": bool}
    for key, kind in kinds.items():
        if key in table and not isinstance(table[key], kind):
            raise ConfigError(f"{where}.{key} must be {'text' if kind is str else 'true or false'}")
    if "ttl" in table and not is_seconds(table["ttl"]):
        raise ConfigError(f"{where}.ttl must be a number of seconds, 0 or more")
    placed = {key: _placed(key, table[key], f"{where}.{key}") for key in table if key not in _SECRET_KEYS}
    own = {key: table[key] for key in _SECRET_KEYS if key in table}
    return SecretConfig(**own, references=placed)  # type: ignore[arg-type]  # checked just above


def _placed(resolver: str, value: object, where: str) -> str:
    """Return the complete reference for a place that is written without its scheme."""
    if not isinstance(value, str):
        raise ConfigError(f'{where} must be text, such as "path#field"')
    reference = value if is_reference(value) else f"{resolver}://{value}"
    _valid(parse_reference, reference, where)
    scheme = reference.partition("://")[0]
    if scheme != resolver and (scheme, resolver) != ("file", "files"):
        raise ConfigError(f"{where} is a reference to {scheme!r}; here it must be one to {resolver!r}")
    return reference


def _valid(check: object, text: str, where: str) -> None:
    problem = ""
    try:
        check(text)  # type: ignore[operator]
    except InvalidReference as error:
        problem = str(error)
    if problem:
        raise ConfigError(f"{where}: {problem}")


def _known_profile(profile: object, file: ConfigFile | None) -> None:
    """Refuse a profile that is neither declared nor has a ``.env`` layer: a slip must not select the default."""
    if profile is None:
        return
    declared = file.table.get("profiles", {}) if file is not None else {}
    names = sorted(declared) if isinstance(declared, Mapping) else []
    if isinstance(profile, Mapping):
        raise ConfigError(f"{_ARGUMENTS if file is None else file.path}: did you mean [profiles.NAME]?")
    if not isinstance(profile, str) or not _is_segment(profile):
        raise ConfigError(
            f"profile must be one word of letters, digits, '_', '.' and '-', not {shown(profile)}"
        )
    if profile not in names and nearest_folder([f".env.{profile}", f".env.{profile}.local"]) is None:
        known = ", ".join(names) or "none"
        raise ConfigError(
            f"the profile {profile!r} is not declared and has no .env.{profile}; declared are: {known}"
        )


def _known_keys(table: Mapping[str, object], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {shown(key)}; {nearest(str(key), known)}")


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a table")
    return value


def _at(where: str, key: object) -> str:
    """Return the place of *key* for messages; what could not be a name is quoted."""
    plain = isinstance(key, str) and len(key) <= MAX_NAME and key.isascii() and key.isprintable()
    return f"{where}.{key if plain else shown(key)}"


def _is_segment(text: str) -> bool:
    try:
        return "/" not in check_name(text)
    except InvalidReference:
        return False
