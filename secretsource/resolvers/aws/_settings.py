"""The settings of the resolver for AWS, checked before anything is imported or asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretsource._reference import shown
from secretsource.errors import ConfigError
from secretsource.resolvers._address import hidden
from secretsource.resolvers._aws._settings import ClientSettings, Roles, check_region

if TYPE_CHECKING:
    from secretsource.resolvers.aws._agent_settings import AgentSettings

__all__ = ["Settings", "check_direct", "clients_of", "hidden_all"]

_PREFIX = re.compile(r"[A-Za-z0-9/_+=.@!-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the configuration says.

    Attributes:
        clients: What the clients of each region are built from; one without a region leaves that to boto3.
        prefix: Written before each mapped name.
        batch: Whether several secrets are read in one call.
        agent: What is asked in the place of the service, or `None`.

    Raises:
        ConfigError: One of them is wrong.
    """

    clients: tuple[ClientSettings, ...]
    prefix: str
    batch: bool
    agent: AgentSettings | None = None

    def __post_init__(self) -> None:
        """Check each."""
        if not isinstance(self.prefix, str) or _PREFIX.fullmatch(self.prefix) is None:
            raise ConfigError(f"the prefix {shown(self.prefix)} for AWS holds what no secret has in its name")
        if not isinstance(self.batch, bool):
            raise ConfigError("the setting batch for AWS must be true or false")

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that are configured."""
        return tuple(each.region for each in self.clients if each.region is not None)


def check_direct(token_file: object) -> None:
    """Check that nothing is configured that belongs to an agent.

    Raises:
        ConfigError: It is.
    """
    if token_file is not None:
        raise ConfigError(
            'the token_file for AWS belongs to transport = "agent": set it, or leave the file out'
        )


def clients_of(
    region: str | Sequence[str] | None,
    endpoint_url: str | Sequence[str] | None,
    *,
    profile: str | None,
    max_bytes: int,
    roles: Roles,
) -> tuple[ClientSettings, ...]:
    """Return what the clients of each region are built from.

    Raises:
        ConfigError: A setting is wrong.
    """
    regions = _listed(region, "region")
    addresses = _listed(endpoint_url, "endpoint_url")
    for each in regions:
        check_region(each)
    if len(set(regions)) != len(regions):
        raise ConfigError("the region for AWS names one twice")
    if len(regions) > 1 and addresses and len(addresses) != len(regions):
        raise ConfigError(
            "the endpoint_url for AWS must be a list with one address for each region, or left out"
        )
    if len(addresses) > max(len(regions), 1):
        raise ConfigError(
            "the endpoint_url for AWS has more addresses than there are regions: list them in region"
        )
    places: list[tuple[str | None, str | None]] = [
        (each, addresses[at] if addresses else None) for at, each in enumerate(regions)
    ]
    return tuple(
        ClientSettings(region=each, profile=profile, endpoint_url=address, max_bytes=max_bytes, roles=roles)
        for each, address in places or [(None, addresses[0] if addresses else None)]
    )


def hidden_all(addresses: str | list[str] | None) -> str | list[str] | None:
    """Return addresses masked, until they are checked."""
    if isinstance(addresses, list):
        return [text for each in addresses if (text := hidden(each)) is not None]
    return hidden(addresses)


def _listed(setting: object, name: str) -> list[str]:
    """Return a setting that may be one text or a list of them, as a list, which is empty where it is left out."""
    if setting is None:
        return []
    listed = list(setting) if isinstance(setting, list | tuple) else [setting]
    found = [each for each in listed if isinstance(each, str)]
    if not found or len(found) != len(listed):
        raise ConfigError(f"the {name} for AWS must be text, or a list of it")
    return found
