"""dynaconf: a loader for settings that are secrets, and ``@secret`` for those that stand in settings files.

    settings = Dynaconf(
        settings_files=["settings.toml"],
        loaders=LOADERS,
        secretsource={"PEPIPOST_API_KEY": "pepipost/api_key"},
    )

Settings hold names. A value is read when its setting is, and what dynaconf tells of its settings shows none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from secretsource import ConfigError, Secret, SecretSourceError, default_store
from secretsource.integrations._needs import needs
from secretsource.integrations._present import present

with needs("dynaconf", extra="dynaconf"):
    from dynaconf.loaders.base import SourceMetadata  # type: ignore[import-untyped]

from secretsource.integrations.dynaconf._held import names_in, parse_late
from secretsource.integrations.dynaconf._setting import lazy, split

__all__ = ["LOADERS", "load"]

LOADERS: Final = [__name__, "dynaconf.loaders.env_loader"]
"""For ``Dynaconf(loaders=…)``: secrets go before what stands in files, and the environment before secrets."""

_SETTING = "SECRETSOURCE"


def load(  # noqa: PLR0917 - dynaconf's own signature
    obj: Any,
    env: str | None = None,
    silent: bool = True,  # noqa: ARG001 - a denial is never silent
    key: str | None = None,
    filename: str | None = None,  # noqa: ARG001 - dynaconf passes it
    validate: bool = False,
) -> None:
    """Put the secrets that the setting ``SECRETSOURCE`` maps to settings into *obj*; dynaconf calls it.

    They are asked for in one round. A setting whose secret is not there keeps the value that it has. With ``get_fresh``
    the backend is asked, whatever is cached.

    Args:
        obj: The settings.
        env: The environment of dynaconf, for the history.
        silent: Has no effect.
        key: The only setting to load, with ``get_fresh``; `None` for all.
        filename: Has no effect.
        validate: Whether dynaconf is to validate afterwards.

    Raises:
        ConfigError: ``SECRETSOURCE`` is no mapping from settings to names, or ``@secret`` is written in another way.
        InvalidReference: A name breaks the grammar.
        SecretSourceError: As `Store.get`, but for `SecretNotFound`; a note names the setting.
    """
    parse_late(obj.store)
    # Taken as it is held: within `fresh` a read of it would load everything again.
    wanted = {
        setting: lazy(text)
        for setting, text in _mapped(dict.get(obj.store, _SETTING) or {})
        if key is None or setting.partition(".")[0].upper() == key.upper()
    }
    asked = [(setting, split(lazy.value)[0]) for setting, lazy in wanted.items()]
    if key is not None:
        asked += [(key, name) for name in names_in(dict.get(obj.store, key.upper()))]
    if not asked:
        return
    try:
        found = present(default_store(), [name for _, name in asked], refresh=key is not None)
    except SecretSourceError as error:
        _add_note(error, asked)
        raise
    source = SourceMetadata("secretsource", "unique", (env or obj.current_env).lower())
    for setting, name in asked:
        if setting in wanted and isinstance(found[name], Secret):
            obj.set(setting, wanted[setting], loader_identifier=source, validate=validate, dotted_lookup=True)


def _mapped(table: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return settings, with dots where they are nested, and names."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"{_SETTING} must map settings to names, and is of type {type(table).__name__}")
    for key, text in table.items():
        if isinstance(text, Mapping):
            yield from _mapped(text, f"{prefix}{key}.")
        elif isinstance(text, str):
            yield f"{prefix}{key}", text
        else:
            raise ConfigError(f"{_SETTING}: {prefix}{key} must be a name, not of type {type(text).__name__}")


def _add_note(error: SecretSourceError, asked: Iterable[tuple[str, str]]) -> None:
    name = getattr(error, "name", "")
    settings = [setting for setting, each in asked if each == name or ascii(each) in str(error)]
    if settings:
        error.add_note(f"asked for by the setting {', '.join(settings)}")
