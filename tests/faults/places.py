"""Local places of one cell: a file that a variable names, a ``.env`` file, or a mounted file."""

from __future__ import annotations

from secretsource.resolvers import Resolver
from secretsource.resolvers.dotenv import DotenvResolver
from secretsource.resolvers.env import EnvResolver
from secretsource.resolvers.files import FilesResolver
from tests.faults.setting import Setting
from tests.resolvers.unprivileged import unprivileged

__all__ = ["enter_place"]


def enter_place(setting: Setting) -> None:
    """Put a value into the local place of the cell, and make a store in front of it."""
    if setting.cell.row.id == "unreadable":
        setting.folder = setting.ends.enter_context(unprivileged())  # permissions do not hold for root
    folder = setting.folder / "place"
    folder.mkdir(exist_ok=True)
    file = {"env": folder / "value", "dotenv": folder / ".env", "files": folder / "app_key"}[
        setting.cell.backend
    ]
    setting.monkeypatch.setenv("APP_KEY_FILE", str(file))
    resolvers: dict[str, Resolver] = {
        "env": EnvResolver(),
        "dotenv": DotenvResolver(path=str(folder)),
        "files": FilesResolver(path=str(folder)),
    }
    setting.resolver = resolvers[setting.cell.backend]
    setting.file = file
    setting.value = setting.canary()
    setting.write(setting.value)
    setting.open()
