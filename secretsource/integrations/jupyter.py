"""An extension of IPython that masks values where a notebook shows objects as text: ``%whos`` and ``name?``.

    %load_ext secretsource.integrations.jupyter

The value of a cell, lists, dictionaries, tracebacks and the history of outputs are masked without it: they use `repr`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from secretsource import MaskedBytes, MaskedStr

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

_WHOS = "whos"
_BEFORE = "_secretsource_whos"  # the attribute of the shell that keeps the magic from before


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Mask values in ``%whos`` and in ``name?``; called by ``%load_ext``.

    Args:
        shell: The running IPython.
    """
    untyped: Any = shell
    if hasattr(shell, _BEFORE):
        return
    whos = untyped.find_line_magic(_WHOS)
    setattr(shell, _BEFORE, whos)
    untyped.magics_manager.register_function(_masked_whos(shell, whos), "line", _WHOS)
    untyped.inspector.info = _masked_info(untyped.inspector.info)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Show values there again as text; called by ``%unload_ext``.

    Args:
        shell: The running IPython.
    """
    untyped: Any = shell
    if not hasattr(shell, _BEFORE):
        return
    untyped.magics_manager.register_function(getattr(shell, _BEFORE), "line", _WHOS)
    delattr(shell, _BEFORE)
    del shell.inspector.info  # the method of its class is there again


class _Shown:
    """What stands for a value while it is listed."""

    def __init__(self, value: MaskedStr | MaskedBytes) -> None:
        self._text = repr(value)

    def __str__(self) -> str:
        return self._text


# The column of types has the names of the classes, and they can be asked for: %whos MaskedStr.
_STAND_INS = {kind: type(kind.__name__, (_Shown,), {}) for kind in (MaskedStr, MaskedBytes)}


def _masked_whos(shell: InteractiveShell, whos: Callable[[str], None]) -> Callable[[str], None]:
    @wraps(whos)
    def masked(line: str = "") -> None:
        names = shell.user_ns
        values = {name: value for name, value in names.items() if type(value) in _STAND_INS}
        names.update({name: _STAND_INS[type(value)](value) for name, value in values.items()})
        try:
            whos(line)
        finally:
            names.update(values)

    return masked


def _masked_info(info: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(info)
    def masked(obj: object, *args: Any, **kwargs: Any) -> Any:
        found = info(obj, *args, **kwargs)
        if type(obj) in _STAND_INS:
            # Left out at a low level of detail; the length tells something, too.
            found["string_form"] = found.get("string_form") and repr(obj)
            found["length"] = None
        return found

    return masked
