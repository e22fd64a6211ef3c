"""Calls to Secrets Manager. What fails is returned and not raised: the frames of botocore hold tokens."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from secretsource._fork import PerProcess
from secretsource._secret import NotThere
from secretsource.resolvers import Location
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._errors import explained
from secretsource.resolvers._aws._failure import Failure

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["asked"]

T = TypeVar("T")


def asked(
    clients: PerProcess[Clients], call: Callable[[SecretsManagerClient], T], location: Location
) -> T | NotThere | Failure:
    """Return what *call* makes of the client, or what its exception means; once more where new credentials may help.

    Args:
        clients: The clients of all processes.
        call: Asks, and reads the answer.
        location: What is asked for, for messages.
    """
    said = _asked_once(clients.get(), call, location)
    if isinstance(said, Failure) and said.ask_again:
        said = _asked_once(clients.get(), call, location)
    return said


def _asked_once(
    clients: Clients, call: Callable[[SecretsManagerClient], T], location: Location
) -> T | NotThere | Failure:
    client = None
    outside = sys.exception()
    try:
        client = clients.get()
        said: T | NotThere | Failure = call(client)
    except Exception as error:  # noqa: BLE001 - whatever botocore raises, its frames hold tokens: none gets out
        endpoint = None if client is None else client.meta.endpoint_url
        said = explained(error, location, endpoint, outside)
    if client is not None and isinstance(said, Failure) and said.login:
        clients.drop(client)
    return said
