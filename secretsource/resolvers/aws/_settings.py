"""The settings of the resolver for AWS, checked before anything is imported or asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from secretsource._reference import shown
from secretsource.errors import ConfigError
from secretsource.resolvers._address import parse_address
from secretsource.resolvers._max_bytes import check_max_bytes

__all__ = ["Settings"]

_PREFIX = re.compile(r"[A-Za-z0-9/_+=.@!-]*", re.ASCII)
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the configuration says; `None` leaves it to boto3's own variables and files.

    Raises:
        ConfigError: One of them is wrong.
    """

    region: str | None
    profile: str | None
    endpoint_url: str | None
    prefix: str
    max_bytes: int
    batch: bool

    def __post_init__(self) -> None:
        """Check each."""
        if self.region is not None and not _is_like(_REGION, self.region):
            raise ConfigError(
                f"the region {shown(self.region)} for AWS is none: write it like 'eu-central-1'"
            )
        if self.profile is not None and not (isinstance(self.profile, str) and self.profile):
            raise ConfigError("the profile for AWS must be the name of one, or left out")
        if self.endpoint_url is not None:
            parse_address(self.endpoint_url, "the endpoint_url for AWS")
            # It was masked while it could hold a password.
            object.__setattr__(self, "endpoint_url", str(self.endpoint_url))
        if not _is_like(_PREFIX, self.prefix):
            raise ConfigError(f"the prefix {shown(self.prefix)} for AWS holds what no secret has in its name")
        check_max_bytes(self.max_bytes, "the max_bytes for AWS")
        if not isinstance(self.batch, bool):
            raise ConfigError("the setting batch for AWS must be true or false")


def _is_like(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None
