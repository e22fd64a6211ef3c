"""From a checked configuration to a store."""

from __future__ import annotations

from functools import partial
from typing import cast

from secretsource._chain import Link
from secretsource._config import Config
from secretsource._places import NameSettings, References
from secretsource._registry import build_link, check_settings
from secretsource._store import Store
from secretsource.errors import ConfigError, InvalidReference
from secretsource.resolvers import Resolver

__all__ = ["build_store"]

_ALWAYS_THERE = ("env", "dotenv", "files")


def build_store(config: Config) -> Store:
    """Build the chain and the store that *config* describes.

    Resolvers outside the chain, which only references ask, are built when the first one does.

    Raises:
        ConfigError: A resolver is unknown or wrongly configured, or cannot hold a name where it is placed.
        MissingDependency: A resolver of the chain needs a package that is not installed.
    """
    build = partial(_link, config)
    chain = [build(item) for item in config.chain]
    used = {link.name for link in chain}
    outside = [name for name in config.resolvers if name not in used]
    for name in outside:
        check_settings(name, config.resolvers[name], source=config.source)
    store = Store(
        chain,
        ttl=config.ttl,
        max_stale=config.max_stale,
        stale_wait=config.stale_wait,
        negative_ttl=config.negative_ttl,
        timeout=config.timeout,
        max_entries=config.max_entries,
        max_concurrency=config.max_concurrency,
        references=cast(References, config.references),
        names={
            name: NameSettings(references=secret.references, ttl=secret.ttl, required=secret.required)
            for name, secret in config.secrets.items()
        },
        others={name: partial(build, name) for name in (*outside, *_ALWAYS_THERE) if name not in used},
    )
    _check_places(store, config)
    return store


def _link(config: Config, item: str | Resolver | Link) -> Link:
    if isinstance(item, Link):
        return item
    if not isinstance(item, str):
        return Link(item)
    return build_link(item, config.resolvers.get(item, {}), profile=config.profile, source=config.source)


def _check_places(store: Store, config: Config) -> None:
    """Find out now, not at the first read, whether every name can be where the configuration places it."""
    for name in config.secrets:
        problem = ""
        try:
            store.locate(name)
        except InvalidReference as error:
            problem = str(error)
        if problem:
            raise ConfigError(f"{config.source}: secrets.{name}: {problem}")
