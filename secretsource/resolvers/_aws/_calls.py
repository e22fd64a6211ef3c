"""Calls to a service of AWS. What fails is returned and not raised: the frames of botocore hold tokens."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from secretsource._fork import PerProcess
from secretsource._secret import NotThere
from secretsource.resolvers import Location
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._errors import explained
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._service import Service

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["asked", "asked_with"]

C = TypeVar("C")
D = TypeVar("D")
T = TypeVar("T")


def asked(
    clients: PerProcess[Clients[C]], call: Callable[[C], T], service: Service, location: Location
) -> T | NotThere | Failure:
    """Return what *call* makes of the client, or what its exception means; once more where new credentials may help.

    Args:
        clients: The clients of all processes.
        call: Asks, and reads the answer.
        service: What is asked.
        location: What it is asked for, for messages.
    """
    return asked_with(clients, Clients.get, call, service, location)


def asked_with(
    clients: PerProcess[Clients[C]],
    choose: Callable[[Clients[C]], D],
    call: Callable[[D], T],
    service: Service,
    location: Location,
) -> T | NotThere | Failure:
    """Do as `asked`, with the client that *choose* takes of the clients."""
    said = _asked_once(clients.get(), choose, call, service, location)
    if isinstance(said, Failure) and said.ask_again:
        said = _asked_once(clients.get(), choose, call, service, location)
    return said


def _asked_once(
    clients: Clients[C],
    choose: Callable[[Clients[C]], D],
    call: Callable[[D], T],
    service: Service,
    location: Location,
) -> T | NotThere | Failure:
    client = None
    outside = sys.exception()
    try:
        client = choose(clients)
        said: T | NotThere | Failure = call(client)
    except Exception as error:  # noqa: BLE001 - whatever botocore raises, its frames hold tokens: none gets out
        endpoint = None if client is None else cast("BaseClient", client).meta.endpoint_url
        said = explained(error, service, location, endpoint, outside, profile=clients.profile)
    if client is not None and isinstance(said, Failure) and said.login:
        clients.drop(client)
    return said
