"""The settings of the resolver for Parameter Store, checked before anything is imported or asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from secretsource._reference import shown
from secretsource.errors import ConfigError
from secretsource.resolvers._aws._settings import ClientSettings

__all__ = ["Settings", "Tier"]

Tier = Literal["standard", "advanced"]

_PREFIX = re.compile(r"/?(?:[A-Za-z0-9_.-]+/?)*", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9:/_-]{1,256}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the configuration says.

    Raises:
        ConfigError: One of them is wrong.
    """

    client: ClientSettings
    prefix: str
    key_id: str | None
    tier: Tier

    def __post_init__(self) -> None:
        """Check each."""
        if not _is_like(_PREFIX, self.prefix):
            raise ConfigError(f"the prefix {shown(self.prefix)} for ssm is none: write it like 'prod/'")
        if self.key_id is not None and not _is_like(_KEY, self.key_id):
            raise ConfigError(f"the key_id {shown(self.key_id)} for ssm is none: write it like 'alias/shop'")
        if self.tier not in get_args(Tier):
            raise ConfigError(f"the tier {shown(self.tier)} for ssm is none of {', '.join(get_args(Tier))}")


def _is_like(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None
