"""The peers, by the module that each one is imported as; one that is not installed is left out."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TypeVar

T = TypeVar("T")

MODULES = {
    "aws-secretsmanager-caching": "aws_secretsmanager_caching",
    "cachetools": "cachetools",
    "django-environ": "environ",
    "dynaconf": "dynaconf",
    "environs": "environs",
    "powertools": "aws_lambda_powertools",
    "pydantic-settings": "pydantic_settings",
    "python-decouple": "decouple",
}


def missing() -> list[str]:
    """Return the peers that are not installed."""
    return [peer for peer, module in MODULES.items() if find_spec(module) is None]


def present(candidates: Mapping[str, T]) -> dict[str, T]:
    """Return *candidates* without those of missing peers, whose names stand in their labels."""
    out = missing()
    return {
        label: candidate for label, candidate in candidates.items() if not any(peer in label for peer in out)
    }
