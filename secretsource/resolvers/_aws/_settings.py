"""Where a service of AWS is and who asks it: the settings that all resolvers for AWS share, checked without any I/O."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from secretsource._reference import shown
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError
from secretsource.resolvers._address import parse_address
from secretsource.resolvers._max_bytes import check_max_bytes

__all__ = ["ClientSettings", "Roles", "check_region"]

LONGEST_OF_CHAIN = 3600  # seconds; AWS allows no more for a role that is taken with another one
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}", re.ASCII)
_ROLE = re.compile(r"arn:aws[a-z-]{0,20}:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,576}", re.ASCII)
_SESSION = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)
_EXTERNAL = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}", re.ASCII)
_DURATIONS = range(900, 43_200 + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The roles to take, each with the one before, and how.

    Attributes:
        arns: None for no role; the last is the one that reads.
        external_id: What the owner of the last role asks for. Masked: others could take the role with it.
        session_name: What CloudTrail shows; `None` for the usual one.
        duration: Seconds that the credentials live; `None` for the hour that AWS gives.
    """

    arns: tuple[str, ...] = ()
    external_id: MaskedStr | None = field(default=None, repr=False)
    session_name: str | None = None
    duration: int | None = None

    @classmethod
    def of(
        cls,
        role_arn: str | Sequence[str] | None,
        external_id: str | None,
        session_name: str | None,
        duration: int | None,
    ) -> Roles:
        """Check the settings ``role_arn``, ``external_id``, ``role_session_name`` and ``role_duration``.

        Raises:
            ConfigError: One of them is wrong, or has no role that it is for.
        """
        arns = _as_roles(role_arn)
        _check_has_role(arns, external_id, session_name, duration)
        if external_id is not None and not _is_like(_EXTERNAL, external_id):
            raise ConfigError(
                "the external_id for AWS is none: 2 to 1224 characters, of A-Z a-z 0-9 + = , . @ : / _ -"
            )
        if session_name is not None and not _is_like(_SESSION, session_name):
            raise ConfigError(
                "the role_session_name for AWS is none: 2 to 64 characters, of A-Z a-z 0-9 + = , . @ _ -"
            )
        usual = os.environ.get("AWS_ROLE_SESSION_NAME")
        if arns and session_name is None and usual and not _is_like(_SESSION, usual):
            raise ConfigError(
                "the variable AWS_ROLE_SESSION_NAME names no session of a role: 2 to 64 characters, "
                "of A-Z a-z 0-9 + = , . @ _ -; or set role_session_name"
            )
        _check_duration(duration, len(arns))
        masked = None if external_id is None else MaskedStr(external_id)
        return cls(arns=arns, external_id=masked, session_name=session_name, duration=duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """What a client is built from; `None` leaves it to boto3's own variables and files.

    Raises:
        ConfigError: One of them is wrong.
    """

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    max_bytes: int = 1_048_576
    roles: Roles = Roles()

    def __post_init__(self) -> None:
        """Check each."""
        if self.region is not None:
            check_region(self.region)
        if self.profile is not None and not (isinstance(self.profile, str) and self.profile):
            raise ConfigError("the profile for AWS must be the name of one, or left out")
        if self.endpoint_url is not None:
            parse_address(self.endpoint_url, "the endpoint_url for AWS")
            # It was masked while it could hold a password.
            object.__setattr__(self, "endpoint_url", str(self.endpoint_url))
        check_max_bytes(self.max_bytes, "the max_bytes for AWS")


def check_region(region: object) -> None:
    """Check that *region* may be one.

    Raises:
        ConfigError: It may not.
    """
    if not _is_like(_REGION, region):
        raise ConfigError(f"the region {shown(region)} for AWS is none: write it like 'eu-central-1'")


def _as_roles(role_arn: object) -> tuple[str, ...]:
    if role_arn is None:
        return ()
    arns = (role_arn,) if isinstance(role_arn, str) else role_arn
    if not isinstance(arns, Sequence) or not arns or not all(_is_like(_ROLE, each) for each in arns):
        raise ConfigError(
            "the role_arn for AWS must be the ARN of a role, or a list of them: "
            "write it like 'arn:aws:iam::123456789012:role/app'"
        )
    return tuple(str(each) for each in arns)


def _check_has_role(arns: tuple[str, ...], *settings: object) -> None:
    names = ("external_id", "role_session_name", "role_duration")
    lonely = [name for name, value in zip(names, settings, strict=True) if value is not None and not arns]
    if lonely:
        raise ConfigError(f"the {lonely[0]} for AWS belongs to a role: set role_arn, or leave it out")


def _check_duration(duration: object, roles: int) -> None:
    if duration is None:
        return
    if isinstance(duration, bool) or not isinstance(duration, int) or duration not in _DURATIONS:
        raise ConfigError(
            f"the role_duration for AWS must be seconds from {_DURATIONS[0]} to {_DURATIONS[-1]}"
        )
    if roles > 1 and duration > LONGEST_OF_CHAIN:
        raise ConfigError(
            f"the role_duration for AWS may be {LONGEST_OF_CHAIN} at most: "
            "a role that is taken with another role lives no longer"
        )


def _is_like(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None
