"""Credentials of a role that is taken with other credentials: one AssumeRole at a time, renewed before their end.

botocore would renew those of 15 minutes before each request, ask anew at each one while STS is down, and let a reader
wait for an STS that hangs although the old ones are good.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.credentials import Credentials, ReadOnlyCredentials

from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.resolvers import Location
from secretsource.resolvers._aws._errors import explained
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._quiet import current_deadline, own_call
from secretsource.resolvers._aws._role_errors import NO_CREDENTIALS, STS, refused
from secretsource.resolvers._aws._settings import LONGEST_OF_CHAIN, Roles
from secretsource.resolvers._tokens import RENEW_AT, Tokens

if TYPE_CHECKING:
    from types_boto3_sts import STSClient

__all__ = ["RoleCredentials"]

_METHOD = "assume-role"
_USUAL_SECONDS = LONGEST_OF_CHAIN  # for which AWS gives credentials that nothing is said about
_PATIENCE = 10.0  # seconds, where no deadline is told
_NOT_IN_SESSION = re.compile(r"[^A-Za-z0-9_+=,.@-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The credentials of one AssumeRole, as `Tokens` keeps them."""

    access_key: str = field(repr=False)
    secret_key: MaskedStr = field(repr=False)
    token: MaskedStr = field(repr=False)
    renew_at: float
    ends_at: float

    def is_like(self, other: object) -> bool:
        return isinstance(other, _Taken) and self.token == other.token


class RoleCredentials(Credentials):
    """Credentials that are taken when they are first used.

    Args:
        arn: The role.
        client: Makes a client of STS with the credentials that the role is taken with.
        roles: How roles are taken.
        profile: The profile of the shared files that is used, for messages.
        is_last: Whether it is the role that reads, to whose owner the external id belongs.
        clock: Measures the lives of credentials.
    """

    def __init__(
        self,
        arn: str,
        client: Callable[[], STSClient],
        roles: Roles,
        *,
        profile: str | None,
        is_last: bool,
        clock: Clock,
    ) -> None:
        self.method = _METHOD
        self.account_id = None
        self._arn = arn
        self._new_client = client
        self._client: STSClient | None = None
        self._roles = roles
        self._profile = profile
        self._external_id = roles.external_id if is_last else None
        self._clock = clock
        self._tokens: Tokens[_Taken] = Tokens(self._take, clock)
        self._ends_at: float | None = None

    @property
    def expires_in(self) -> float | None:
        """The seconds until they end; `None` if they were not taken yet."""
        return None if self._ends_at is None else max(0.0, self._ends_at - self._clock())

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return what to sign a request with.

        Raises:
            AccessDenied: The role may not be taken.
            BackendUnavailable: STS cannot be reached or cannot answer now, and there are no good credentials left.
        """
        taken = self._tokens.current(current_deadline() or Deadline(_PATIENCE))
        return ReadOnlyCredentials(taken.access_key, taken.secret_key, taken.token)

    def _take(self, deadline: Deadline) -> _Taken:
        asked_at = self._clock()
        with own_call(deadline):
            said = self._assumed(asked_at)
        if isinstance(said, Failure):
            raise refused(said, self._arn)
        self._ends_at = said.ends_at
        return said

    def _assumed(self, asked_at: float) -> _Taken | Failure:
        """Ask STS. What fails is returned and not raised: the frames of botocore hold tokens."""
        outside = sys.exception()
        try:
            if self._client is None:
                self._client = self._new_client()
            return self._read(self._client.assume_role(**self._request()), asked_at)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - whatever botocore raises
            endpoint = None if self._client is None else self._client.meta.endpoint_url
            said = explained(
                error, STS, Location(address=self._arn), endpoint, outside, profile=self._profile
            )
        return said if isinstance(said, Failure) else NO_CREDENTIALS

    def _request(self) -> dict[str, object]:
        request: dict[str, object] = {"RoleArn": self._arn, "RoleSessionName": _session_name(self._roles)}
        if self._roles.duration is not None:
            request["DurationSeconds"] = self._roles.duration
        if self._external_id is not None:
            request["ExternalId"] = self._external_id
        return request

    def _read(self, answer: Mapping[str, object], asked_at: float) -> _Taken | Failure:
        """Return the credentials in an answer; botocore takes any 200 for one."""
        found = answer.get("Credentials")
        parts = found if isinstance(found, Mapping) else {}
        key, secret, token = (parts.get(name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
        if not (isinstance(key, str) and isinstance(secret, str) and isinstance(token, str)):
            return NO_CREDENTIALS
        if not (key and secret and token):
            return NO_CREDENTIALS
        life = self._life(parts.get("Expiration"))
        return _Taken(key, MaskedStr(secret), MaskedStr(token), asked_at + RENEW_AT * life, asked_at + life)

    def _life(self, expiration: object) -> float:
        """Return the seconds they live: as AWS says, unless the clock of this machine makes nonsense of it."""
        longest = float(self._roles.duration or _USUAL_SECONDS)
        if not isinstance(expiration, datetime) or expiration.tzinfo is None:
            return longest
        left = (expiration - datetime.now(UTC)).total_seconds()
        return min(left, longest) if left > 0 else longest


def _session_name(roles: Roles) -> str:
    """Return the name that CloudTrail shows: the configured one, boto3's variable, or which machine it was."""
    named = roles.session_name or os.environ.get("AWS_ROLE_SESSION_NAME")
    return named or _NOT_IN_SESSION.sub("-", f"secretsource@{socket.gethostname()}")[:64]
