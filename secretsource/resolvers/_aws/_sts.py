"""The Security Token Service, as far as we ask it, or have others ask it: who we are."""

from __future__ import annotations

import re

from secretsource.errors import ConfigError
from secretsource.resolvers._aws._service import Service
from secretsource.resolvers._location import Location

__all__ = ["NOWHERE", "STS", "check_login_region"]

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", re.ASCII)  # us-east-1, eusc-de-east-1

STS = Service(name="sts", thing="identity", reads=frozenset({"GetCallerIdentity"}))
NOWHERE = Location(address="")
"""What is asked for, as no secret is."""


def check_login_region(region: str, method: str, *others: str) -> None:
    """Check the region whose STS a login asks; what was given is not shown, as a credential may stand there.

    Args:
        region: What was given.
        method: The method of ``auth`` that it is for.
        others: What may stand there too.

    Raises:
        ConfigError: It is no region.
    """
    if region not in others and not _REGION.fullmatch(region):
        known = " or ".join(map(repr, ("eu-central-1", *others)))
        raise ConfigError(f"auth of method {method!r}: region is none; write it like {known}")
