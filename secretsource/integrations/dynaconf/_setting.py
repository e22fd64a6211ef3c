"""What a setting that is a secret holds: the name, and what is read when the setting is."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, Final

from secretsource import ConfigError, MaskedStr, default_store, secret
from secretsource.integrations._needs import needs
from secretsource.integrations._text import text_of

with needs("dynaconf", extra="dynaconf"):
    from dynaconf.utils.parse_conf import (  # type: ignore[import-untyped]
        BaseFormatter,
        Lazy,
        apply_converter,
        converters,
    )

__all__ = ["FORMATTER", "TOKEN", "lazy", "split"]

TOKEN: Final = "@secret"  # noqa: S105 - what dynaconf calls a token
_CASTS = ("@int", "@float", "@bool", "@json")
_MASK = "********"
# Where dynaconf shows settings: a module, or one function of it.
_SHOWS = (("dynaconf.cli", "_list"), ("dynaconf.utils.inspect", None))
# Where it shows a table or list of settings, to whoever looks at it.
_NODES = ("dynaconf.nodes", "dynaconf.vendor.box.box", "dynaconf.vendor.box.box_list")
# What it formats with; a template of jinja2 has no name.
_INSIDE = ("dynaconf", "string", "jinja2", "None")


def split(text: str) -> tuple[str, str | None]:
    """Return the name, and how to cast the value."""
    name, *casts = text.split()
    return name, casts[0] if casts else None


def lazy(text: Any) -> Any:
    """Return what reads when the setting is read: ``NAME``, or ``NAME @int``.

    Raises:
        ConfigError: It is something else.
        InvalidReference: The name breaks the grammar.
    """
    words = str(text).split()
    if not words or len(words) > 2 or not set(words[1:]) <= set(_CASTS):
        raise ConfigError(
            f"write {TOKEN} and a name, with one of {', '.join(_CASTS)} behind it where that is wanted"
        )
    secret(words[0])
    return Lazy(" ".join(words), formatter=FORMATTER)


def _read(text: str, **context: Any) -> Any:
    """Return the value of now; dynaconf calls it whenever the setting is read."""
    _keep_nothing(context["this"])
    if _is_for_show(sys._getframe(1)):
        return _MASK
    name, cast = split(text)
    value = text_of(default_store().get(name))
    if cast is None:
        return _Text(value, Lazy(text, formatter=FORMATTER))
    try:
        return _masked(apply_converter(cast, value.reveal(), context["this"]))
    except Exception:  # noqa: BLE001, S110 - whatever it is, it holds the value
        pass
    raise ConfigError(f"the value of {name!r} cannot be cast with {cast}")


def _keep_nothing(settings: Any) -> None:
    """Switch the cache of *settings* off: it would keep what is made of a secret, or of a mask in a report."""
    core = getattr(settings, "__core__", None)
    if core is not None:  # older ones keep nothing
        core.cache_enabled = False


FORMATTER: Final = BaseFormatter(_read, "secret")
converters[TOKEN] = lazy


class _Text(MaskedStr):
    """A value that dynaconf keeps neither in its cache nor, after a validator has set it, in its settings.

    dynaconf takes it for one of its own lazy values, and so calls it for the value of now. Its reports and the messages
    of its validators get a mask; everybody else gets the value, as of any `MaskedStr`.
    """

    _dynaconf_lazy_format = True
    do_not_call_in_templates = True  # Django's: else it calls what can be called
    _lazy: Any
    value: str
    formatter: Any

    def __new__(cls, text: str, lazy: Any) -> _Text:
        made = super().__new__(cls, text)
        made._lazy = lazy
        made.value, made.formatter = lazy.value, lazy.formatter
        return made

    def __call__(self, settings: Any, **_: object) -> Any:
        return self._lazy(settings)

    def _dynaconf_encode(self) -> str:
        return f"{TOKEN} {self.value}"

    def __str__(self) -> str:
        return _MASK if _is_called_by("dynaconf.utils.inspect", "dynaconf.validator") else super().__str__()

    def __format__(self, spec: str) -> str:
        return _MASK if _is_called_by("dynaconf.validator") else str.__format__(self.reveal(), spec)

    # A value that looks like a token, such as "@format {env}", is none: dynaconf would take it for one.

    def partition(self, sep: str) -> tuple[str, str, str]:
        return ("", "", "") if _is_called_by("dynaconf.utils.parse_conf") else super().partition(sep)

    def startswith(self, *args: Any) -> bool:
        return not _is_called_by("dynaconf.utils.parse_conf") and super().startswith(*args)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return MaskedStr(value) if isinstance(value, str) else value


def _is_called_by(*modules: str) -> bool:
    return sys._getframe(2).f_globals.get("__name__") in modules


def _is_for_show(frame: FrameType | None) -> bool:
    """Whether dynaconf reads for a report of its own, or shows a table: told by its frames, up to the first of others.

    What a table makes of other settings is read: it may be cast, and a mask cannot be.
    """
    is_held = True
    while frame is not None:
        module, function = str(frame.f_globals.get("__name__")), frame.f_code.co_name
        if (module, function) in _SHOWS or (module, None) in _SHOWS:
            return True
        if is_held and module in _NODES and function in {"__repr__", "__str__"}:
            return True
        root = module.partition(".")[0]
        if module != __name__ and root not in _INSIDE:
            return False
        is_held = is_held and (module == __name__ or (root == "dynaconf" and module != "dynaconf.base"))
        frame = frame.f_back
    return False
