"""Which folders belong to a project: from the working directory up to its root, never above."""

from __future__ import annotations

import os

__all__ = ["nearest_folder", "project_folders"]

_ROOT_MARKERS = (".git", "pyproject.toml")


def project_folders(start: str | None = None) -> list[str]:
    """Return the folders from *start* up to the project's root, the nearest first.

    The root is the first folder with ``.git`` or ``pyproject.toml``. Without any up to ``/``, only *start* itself
    counts: a file in a folder above may be somebody else's.

    Args:
        start: A folder; the working directory if it is left out. None belongs to one that has been removed.
    """
    folders: list[str] = []
    try:
        folder = os.path.abspath(start or os.getcwd())
    except FileNotFoundError:
        return []
    while True:
        folders.append(folder)
        if any(os.path.exists(os.path.join(folder, marker)) for marker in _ROOT_MARKERS):
            return folders
        parent = os.path.dirname(folder)
        if parent == folder:
            return folders[:1]
        folder = parent


def nearest_folder(names: list[str], start: str | None = None) -> str | None:
    """Return the nearest folder of the project that has a file of one of these *names*, or `None`."""
    for folder in project_folders(start):
        if any(os.path.isfile(os.path.join(folder, name)) for name in names):
            return folder
    return None
