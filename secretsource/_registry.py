"""From the configured kind of a resolver to the object: entry points, and only the ones that are named."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from typing import Final

from secretsource._chain import Link
from secretsource._credentials import with_local_credentials
from secretsource._nearest import nearest
from secretsource.errors import ConfigError
from secretsource.resolvers import Resolver

__all__ = ["BUILT_IN", "GROUP", "LINK_KEYS", "build_link"]

GROUP: Final = "secretsource.resolvers"
BUILT_IN: Final[Mapping[str, str]] = {
    "aws": "secretsource.resolvers.aws:AwsResolver",
    "conjur": "secretsource.resolvers.conjur:ConjurResolver",
    "dotenv": "secretsource.resolvers.dotenv:DotenvResolver",
    "env": "secretsource.resolvers.env:EnvResolver",
    "files": "secretsource.resolvers.files:FilesResolver",
    "vault": "secretsource.resolvers.vault:VaultResolver",
}
"""The same as our entry points, so that a chain of built-in resolvers does not search all installed packages."""

LINK_KEYS: Final = ("max_stale", "on_denied", "on_unavailable", "ttl")
Factory = Callable[..., Resolver]  # type: ignore[explicit-any]  # its keywords are looked up when it is called


def build_link(name: str, settings: Mapping[str, object], *, profile: str | None, source: str) -> Link:
    """Build the resolver of that name, with the policy of its link.

    Args:
        name: The configured name; also its kind, unless the settings say otherwise.
        settings: The resolver's table of the configuration.
        profile: The active profile, for resolvers that take one.
        source: Where the settings come from, for messages.

    Raises:
        ConfigError: The kind or a setting is unknown, or has the wrong type.
        MissingDependency: The kind needs a package that is not installed.
    """
    where = f"{source}: resolvers.{name}"
    kind = settings.get("kind", name)
    factory = _factory(str(kind), where)
    own = {key: value for key, value in settings.items() if key != "kind" and key not in LINK_KEYS}
    known = _keywords(factory)
    _check(own, known, where)
    if "profile" in known and "profile" not in own and kind == "dotenv":
        own["profile"] = profile
    if isinstance(auth := own.get("auth"), Mapping):
        own["auth"] = with_local_credentials(auth, f"{where}.auth")
    policy = {key: settings[key] for key in LINK_KEYS if key in settings}
    _check(policy, _keywords(Link), where)
    return Link(factory(name, **own), **policy)  # type: ignore[arg-type]  # checked just above


def _factory(kind: str, where: str) -> Factory:
    target = BUILT_IN.get(kind)
    if target is not None:
        from importlib import import_module  # noqa: PLC0415

        module, _, attribute = target.partition(":")
        return typing.cast(Factory, getattr(import_module(module), attribute))
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, for resolvers of others only

    found = entry_points(group=GROUP)
    if kind not in found.names:
        raise ConfigError(
            f"{where}: no resolver is of the kind {kind!r}; {nearest(kind, found.names | set(BUILT_IN))}"
        )
    problem = ""
    try:
        return typing.cast(Factory, found[kind].load())
    except (ImportError, AttributeError) as error:
        problem = type(error).__name__
    raise ConfigError(f"{where}: the resolver {kind!r} cannot be loaded from {found[kind].value}: {problem}")


def _keywords(factory: Factory | type[Link]) -> dict[str, object]:
    """Return the settings that a factory takes, with their types."""
    import inspect  # noqa: PLC0415

    parameters = list(inspect.signature(factory).parameters.values())[1:]
    target = getattr(factory, "__init__") if isinstance(factory, type) else factory  # noqa: B009
    try:
        hints = typing.get_type_hints(target)
    except NameError:  # a type that is only imported for type checkers
        hints = {}
    return {parameter.name: hints.get(parameter.name, object) for parameter in parameters}


def _check(settings: Mapping[str, object], known: Mapping[str, object], where: str) -> None:
    for key, value in settings.items():
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}; {nearest(key, [*known, 'kind', *LINK_KEYS])}")
        if not _fits(value, known[key]):
            raise ConfigError(f"{where}.{key} must be {_described(known[key])}, not {type(value).__name__}")


def _fits(value: object, hint: object) -> bool:
    """Whether *value* may be what *hint* says; what is not understood passes, and the resolver decides."""
    origin = typing.get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        return any(_fits(value, part) for part in typing.get_args(hint))
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    kind = origin or hint
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind) if isinstance(kind, type) else True


def _described(hint: object) -> str:
    parts = typing.get_args(hint) if typing.get_origin(hint) in {typing.Union, types.UnionType} else (hint,)
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false", types.NoneType: ""}
    words = [
        names.get(part, getattr(part, "__name__", str(part))) for part in parts if part is not types.NoneType
    ]
    return " or ".join(dict.fromkeys(words))
