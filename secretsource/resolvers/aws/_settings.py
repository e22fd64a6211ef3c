"""The settings of the resolver for AWS, checked before anything is imported or asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from secretsource._reference import shown
from secretsource.errors import ConfigError

__all__ = ["Settings", "check_endpoint"]

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

    def __post_init__(self) -> None:
        """Check each."""
        if self.region is not None and not _is_like(_REGION, self.region):
            raise ConfigError(
                f"the region {shown(self.region)} for AWS is none: write it like 'eu-central-1'"
            )
        if self.profile is not None and not (isinstance(self.profile, str) and self.profile):
            raise ConfigError("the profile for AWS must be the name of one, or left out")
        if self.endpoint_url is not None:
            check_endpoint(self.endpoint_url)
        if not _is_like(_PREFIX, self.prefix):
            raise ConfigError(f"the prefix {shown(self.prefix)} for AWS holds what no secret has in its name")
        if not isinstance(self.max_bytes, int) or self.max_bytes < 1:
            raise ConfigError("max_bytes for AWS must be a whole number of bytes, 1 or more")


def _is_like(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None


def check_endpoint(url: str) -> None:
    """Refuse an endpoint that is no http(s) address, or that would carry secrets over a network unencrypted.

    Raises:
        ConfigError: With what to write instead; a password in the address is not shown.
    """
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.query or parts.fragment:
        raise ConfigError("the endpoint_url for AWS must be written like https://host or https://host:port")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigError(
            f"the endpoint for AWS is http on {host!r}: secrets would cross the network in the clear; use https"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
