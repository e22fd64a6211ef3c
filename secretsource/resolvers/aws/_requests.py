"""The requests that write. Each is called with a client, and returns the version that it was about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from secretsource._secret import MaskedBytes, Value
from secretsource.errors import Reason
from secretsource.resolvers._aws._failure import Failure

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

    Request = Callable[[SecretsManagerClient], str | Failure]

__all__ = ["create", "move", "put"]

_CURRENT = "AWSCURRENT"
_ASIDE = "SECRETSOURCE"  # a stage of our own; a version without any may be deleted


def put(address: str, content: Value, version: str, *, aside: bool) -> Request:
    """Return a request for a new version.

    Args:
        address: The secret.
        content: What it holds.
        version: Its id.
        aside: It is not the current one yet.
    """
    stages = [_ASIDE if aside else _CURRENT]

    def request(client: SecretsManagerClient) -> str | Failure:
        if isinstance(content, MaskedBytes):
            answer = client.put_secret_value(
                SecretId=address, ClientRequestToken=version, VersionStages=stages, SecretBinary=content
            )
        else:
            answer = client.put_secret_value(
                SecretId=address, ClientRequestToken=version, VersionStages=stages, SecretString=content
            )
        return _version(answer.get("VersionId"))

    return request


def create(address: str, content: Value, version: str) -> Request:
    """Return a request for a new secret, with that first version."""

    def request(client: SecretsManagerClient) -> str | Failure:
        if isinstance(content, MaskedBytes):
            answer = client.create_secret(Name=address, ClientRequestToken=version, SecretBinary=content)
        else:
            answer = client.create_secret(Name=address, ClientRequestToken=version, SecretString=content)
        return _version(answer.get("VersionId"))

    return request


def move(address: str, old: str, new: str) -> Request:
    """Return a request that makes *new* the current version, which AWS refuses if *old* is not."""

    def request(client: SecretsManagerClient) -> str | Failure:
        client.update_secret_version_stage(
            SecretId=address, VersionStage=_CURRENT, RemoveFromVersionId=old, MoveToVersionId=new
        )
        return new  # what came of it is read

    return request


def _version(found: object) -> str | Failure:
    """Return the version in an answer; botocore takes any 200 for one."""
    return (
        found if isinstance(found, str) and found else Failure(Reason.BROKEN, "HTTP 200 without a VersionId")
    )
