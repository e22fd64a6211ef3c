"""What botocore says of AWS's services is parsed once in a process of tests, and not by each new session again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

__all__ = ["parse_models_once"]


@pytest.fixture(scope="session", autouse=True)
def parse_models_once() -> Iterator[None]:
    """Let all loaders with the same folders share what they have read, as all clients of one session do."""
    from botocore.loaders import Loader

    shared: dict[tuple[str, ...], dict[object, object]] = {}
    begin = Loader.__init__

    def begin_shared(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        self._cache = shared.setdefault(tuple(self.search_paths), {})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Loader, "__init__", begin_shared)
        yield
