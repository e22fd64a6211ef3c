"""What somebody who uses dynaconf writes. Never run."""

from __future__ import annotations

from typing import assert_type

from dynaconf import Dynaconf  # type: ignore[import-untyped]

from secretsource.integrations.dynaconf import LOADERS, load

assert_type(LOADERS, list[str])
settings = Dynaconf(settings_files=["settings.toml"], loaders=LOADERS)
load(settings, "production", silent=False, key="API_KEY")
load()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
