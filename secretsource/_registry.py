"""From the configured kind of a resolver to the object: entry points, and only the ones that are named."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from secretsource._chain import Link, Policy
from secretsource._credentials import CREDENTIAL_KEYS, plain, with_local_credentials
from secretsource._nearest import nearest
from secretsource._reference import shown
from secretsource._signature import Signature, described, fits, signature_of
from secretsource.errors import ConfigError, SecretSourceError
from secretsource.resolvers import Resolver, is_resolver

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["BUILT_IN", "GROUP", "LINK_KEYS", "build_link", "check_settings"]

GROUP: Final = "secretsource.resolvers"
BUILT_IN: Final[Mapping[str, str]] = {
    "aws": "secretsource.resolvers.aws:AwsResolver",
    "conjur": "secretsource.resolvers.conjur:ConjurResolver",
    "dotenv": "secretsource.resolvers.dotenv:DotenvResolver",
    "env": "secretsource.resolvers.env:EnvResolver",
    "files": "secretsource.resolvers.files:FilesResolver",
    "keyring": "secretsource.resolvers.keyring:KeyringResolver",
    "ssm": "secretsource.resolvers.ssm:SsmResolver",
    "vault": "secretsource.resolvers.vault:VaultResolver",
}
"""The same as our entry points, so that a chain of built-in resolvers does not search all installed packages."""


_POLICY: Final = Signature(
    hints={"max_stale": float | None, "on_denied": Policy, "on_unavailable": Policy, "ttl": float | None}
)
LINK_KEYS: Final = tuple(_POLICY.hints)
Factory = Callable[..., Resolver]  # type: ignore[explicit-any]  # its keywords are looked up when it is called


class Configured(Link, kw_only=False):
    """A link whose resolver the configuration names."""

    configured = True


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
    kind = str(settings.get("kind", name))
    factory = _factory(kind, where if settings else f"{source}: chain")
    own, policy = _checked(settings, kind, factory, where)
    own = {key: value if key in CREDENTIAL_KEYS else plain(value) for key, value in own.items()}
    if kind == "dotenv":
        own.setdefault("profile", profile)
    if isinstance(auth := own.get("auth"), Mapping):
        own["auth"] = with_local_credentials(auth, f"{where}.auth", profile=profile)
    return Configured(_built(factory, name, own, where if settings else ""), **policy)  # type: ignore[arg-type]  # checked just above


def check_settings(name: str, settings: Mapping[str, object], *, source: str) -> None:
    """Check the table of a resolver that is not built now, because the chain does not name it.

    What is not ours is not imported for that: only its kind is checked.

    Raises:
        ConfigError: The kind or a setting is unknown, or has the wrong type.
    """
    where = f"{source}: resolvers.{name}"
    kind = str(settings.get("kind", name))
    if kind in BUILT_IN:
        _checked(settings, kind, _factory(kind, where), where)
    else:
        _entry_point(kind, where)


def _factory(kind: str, where: str) -> Factory:
    target = BUILT_IN.get(kind)
    if target is not None:
        from importlib import import_module  # noqa: PLC0415

        module, _, attribute = target.partition(":")
        return typing.cast(Factory, getattr(import_module(module), attribute))
    entry_point = _entry_point(kind, where)
    try:
        loaded = entry_point.load()
        problem = "" if callable(loaded) else f"{type(loaded).__name__} is not callable"
    except SecretSourceError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the module of somebody else does, name it
        # the message of a failed import names a module; others may hold anything
        problem = str(error) if isinstance(error, ImportError) else type(error).__name__
    if problem:
        raise ConfigError(
            f"{where}: the resolver {kind!r} cannot be loaded from {entry_point.value}: {problem}"
        )
    return typing.cast(Factory, loaded)


def _entry_point(kind: str, where: str) -> EntryPoint:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, for resolvers of others only

    found = entry_points(group=GROUP)
    if kind not in found.names:
        known = found.names | set(BUILT_IN)
        raise ConfigError(f"{where}: no resolver is of the kind {shown(kind)}; {nearest(kind, known)}")
    return found[kind]


def _built(factory: Factory, name: str, settings: Mapping[str, object], where: str) -> Resolver:
    """Return the resolver; *where* is its table for messages, or empty if the configuration has none."""
    problem = ""
    try:
        resolver = factory(name, **settings)
    except ConfigError as error:
        if not where:
            raise
        problem = str(error)
        said = problem if f"resolvers.{name}" in problem else f"{where}: {problem}"
    except SecretSourceError:
        raise
    except Exception as error:  # noqa: BLE001 - as above; its message may hold a credential
        problem = f"it raised {type(error).__name__}"
        said = f"{where or name}: the resolver cannot be built: {problem}"
    if problem:
        raise ConfigError(said)
    if is_resolver(resolver) and resolver.name != name:
        raise ConfigError(f"{where or name}: the resolver calls itself {shown(resolver.name)}")
    return resolver


def _checked(
    settings: Mapping[str, object], kind: str, factory: Factory, where: str
) -> tuple[dict[str, object], dict[str, object]]:
    """Return the settings of the resolver itself, and those of its link."""
    own = {key: value for key, value in settings.items() if key != "kind" and key not in LINK_KEYS}
    policy = {key: settings[key] for key in LINK_KEYS if key in settings}
    if own or kind not in BUILT_IN:  # of those, none needs a setting
        _check(own, signature_of(factory), where)
    _check(policy, _POLICY, where)
    return own, policy


def _check(settings: Mapping[str, object], takes: Signature, where: str) -> None:
    for key, value in settings.items():
        if key not in takes.hints and not takes.anything:
            words = [*takes.hints, "kind", *LINK_KEYS]
            raise ConfigError(f"{where}: unknown key {shown(key)}; {nearest(str(key), words)}")
        hint = takes.hints.get(key, object)
        if not fits(value, hint):
            wanted = described(hint)
            found = f"{plain(value)!r}" if key in LINK_KEYS else type(plain(value)).__name__
            found = "another text" if found == "str" and "'" in wanted else found
            raise ConfigError(f"{where}.{key} must be {wanted}, not {found}")
    for key in takes.required:
        if key not in settings:
            raise ConfigError(f"{where}: {key} is missing")
