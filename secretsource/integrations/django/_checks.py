"""Checks of the secrets that the settings ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    Check,
    InvalidResponse,
    NameCheck,
    SecretNotFound,
    SecretSourceError,
    Store,
    default_store,
)
from secretsource.integrations._needs import needs
from secretsource.integrations.django._fallbacks import Fallbacks
from secretsource.integrations.django._lazy import LazySecret
from secretsource.integrations.django.engine import SecretLogin

with needs("Django", extra="django"):
    from django.conf import settings
    from django.core.checks import CheckMessage, Error, Warning
    from django.db import connections

__all__ = ["check_engines", "check_secrets"]

_IDS = {
    SecretNotFound: "secretsource.E001",
    AccessDenied: "secretsource.E002",
    BackendUnavailable: "secretsource.E003",
    InvalidResponse: "secretsource.E004",
    SecretSourceError: "secretsource.E005",
}
_ENGINES = {"postgresql", "mysql"}


def check_secrets(app_configs: object = None, **kwargs: object) -> list[CheckMessage]:  # noqa: ARG001
    """Ask for every secret of the settings, all in one round, and tell of those that cannot be read."""
    found = list(_in_settings())
    stores = {each.store for _, each, _ in found}
    messages: list[CheckMessage] = []
    for store in stores:
        these = [(setting, each.name, required) for setting, each, required in found if each.store is store]
        messages += _told(store, these)
    return messages


def _told(store: Store | None, asked: list[tuple[str, str, bool]]) -> Iterator[CheckMessage]:
    try:
        check = (default_store() if store is None else store).check({name for _, name, _ in asked})
    except SecretSourceError as error:
        yield Error(str(error), obj="secretsource", id=_id(error))
        return
    by_name = {each.name: each for each in check.names}
    for setting, name, required in asked:
        wrong = by_name[name].error
        if wrong is not None and (required or not isinstance(wrong, SecretNotFound)):
            yield Error(str(wrong), hint=_policy(check, by_name[name]), obj=setting, id=_id(wrong))


def _id(error: SecretSourceError) -> str:
    return next(id for kind, id in _IDS.items() if isinstance(error, kind))


def _policy(check: Check, name: NameCheck) -> str | None:
    policies = [
        f"policy for {link.link}:\n{link.policy}" for link in check.links if name.name in link.policy_names
    ]
    return "\n".join(policies) or None


def check_engines(app_configs: object = None, **kwargs: object) -> list[CheckMessage]:  # noqa: ARG001
    """Tell of databases with a secret password and an engine that does not know of it. Asks nobody."""
    return [
        Warning(
            "The password is a secret, and this engine does not read it anew when the server refuses it.",
            hint=_engine_hint(connections[alias].vendor),
            obj=f"DATABASES[{alias!r}]['ENGINE']",
            id="secretsource.W001",
        )
        for alias, database in connections.settings.items()
        if isinstance(database.get("PASSWORD"), LazySecret)
        and not isinstance(connections[alias], SecretLogin)
    ]


def _engine_hint(vendor: str) -> str:
    if vendor in _ENGINES:
        return f'Use "secretsource.integrations.django.{vendor}".'
    return "Make an engine with secretsource.integrations.django.engine.SecretLogin."


def _in_settings() -> Iterator[tuple[str, LazySecret, bool]]:
    """Return each secret of the settings with its place, and whether it must be there."""
    for key in dir(settings):
        if key.isupper():
            # Not settings.SECRET_KEY, which Django looks into at once.
            yield from _in(key, getattr(settings._wrapped, key), True)


def _in(place: str, value: Any, required: bool) -> Iterator[tuple[str, LazySecret, bool]]:
    if isinstance(value, LazySecret):
        yield place, value, required
    elif isinstance(value, Fallbacks):
        for index, each in enumerate(value.secrets):
            yield from _in(f"{place}[{index}]", each, False)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _in(f"{place}[{key!r}]", each, required)
    elif isinstance(value, list | tuple | set | frozenset):
        for index, each in enumerate(value):
            yield from _in(f"{place}[{index}]", each, required)
