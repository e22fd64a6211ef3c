"""The options that every command has, and the store they select."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

import click

from secretsource import SecretSourceError, Store, configure
from secretsource.cli._exit import fail

__all__ = ["selects_store", "store_of"]

P = ParamSpec("P")


def selects_store(command: Callable[P, None]) -> Callable[P, None]:
    """Give a command the options ``--profile`` and ``--config``."""
    profile = click.option("--profile", metavar="NAME", help="Use this profile of the configuration.")
    config = click.option(
        "--config",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="Read this configuration file instead of looking for one.",
    )
    return profile(config(command))


def store_of(profile: str | None, config: str | None) -> Store:
    """Build the store that the options select, or end the process with what is wrong."""
    given = {"profile": profile, "config_file": config}
    try:
        return configure(None, **{key: value for key, value in given.items() if value is not None})
    except SecretSourceError as error:
        problem = error
    return fail(problem)
