"""Being somebody whom permissions hold for: they do not hold for root, who often runs tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[Path]:
    """Drop root's rights for a while; a folder of our own that can be reached without them."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(NOBODY)
    try:
        folder = Path(tempfile.mkdtemp(prefix="secretsource-test-"))
        try:
            yield folder
        finally:
            for path in [folder, *folder.rglob("*")]:
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o700)
            shutil.rmtree(folder)
    finally:
        if was_root:
            os.seteuid(0)
