"""What a typed user of IPython writes: nothing but the name of the extension, unless it is loaded by code."""

from __future__ import annotations

from typing import assert_type

from IPython.core.interactiveshell import InteractiveShell

from secretsource.integrations.jupyter import load_ipython_extension, unload_ipython_extension


def load(shell: InteractiveShell) -> None:
    assert_type(load_ipython_extension(shell), None)
    assert_type(unload_ipython_extension(shell), None)
