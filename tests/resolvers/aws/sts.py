"""What STS answers, and what was asked of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from tests.resolvers.aws.support import Canary
from tests.servers.faulty import FaultyServer, Received

__all__ = ["Taken", "assumed", "key_of", "refused", "said_to_sts"]

_HEAD = '<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{0}Result>'


class Taken:
    """The credentials that one AssumeRole gives out."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.secret_key = Canary()
        self.session_token = Canary()

    def __repr__(self) -> str:
        return "Taken()"


def assumed(taken: Taken, *, seconds: float = 3600, call: str = "AssumeRole") -> str:
    """Return an answer with credentials that live so long."""
    ends_at = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"{_HEAD.format(call)}<Credentials><AccessKeyId>{taken.key}</AccessKeyId>"
        f"<SecretAccessKey>{taken.secret_key.text}</SecretAccessKey>"
        f"<SessionToken>{taken.session_token.text}</SessionToken><Expiration>{ends_at}</Expiration></Credentials>"
        f"<AssumedRoleUser><AssumedRoleId>A:x</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/app/x</Arn>"
        f"</AssumedRoleUser></{call}Result></{call}Response>"
    )


def refused(code: str, message: str = "no") -> str:
    """Return an error."""
    return (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>1b2c-3d</RequestId></ErrorResponse>"
    )


def said_to_sts(server: FaultyServer) -> list[dict[str, str]]:
    """Return the arguments of each call."""
    return [
        {key: values[0] for key, values in parse_qs(each.body.decode()).items()} for each in server.requests
    ]


def key_of(request: Received) -> str:
    """Return the access key that a request was signed with."""
    return request.headers["authorization"].split("Credential=")[1].split("/")[0]
