"""One region: its clients, and what a secret is called there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from secretsource._fork import PerProcess
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._modules import MODULES
from secretsource.resolvers._aws._settings import ClientSettings
from secretsource.resolvers.aws._service import SERVICE

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["Region", "region_of"]

_ARN = re.compile(r"arn:([a-z-]+):secretsmanager:([A-Za-z0-9-]+):", re.ASCII)


class Region:
    """A region that is asked.

    Attributes:
        settings: What its clients are built from.
        clients: Its clients, of all processes.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self.settings = settings
        self.clients: PerProcess[Clients[SecretsManagerClient]] = PerProcess(
            lambda: Clients(SERVICE.name, settings), modules=MODULES
        )

    @property
    def name(self) -> str:
        """What it is called, for messages; empty if boto3's variables and files say it."""
        return self.settings.region or ""

    def address(self, address: str) -> str:
        """Return what the secret at *address* is called here: the ARN of a replica differs in the region alone."""
        if not self.settings.region:
            return address
        return _ARN.sub(
            lambda found: f"arn:{found[1]}:secretsmanager:{self.settings.region}:", address, count=1
        )

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        clients = self.clients.pop()
        if clients is not None:
            clients.close()

    def __repr__(self) -> str:
        """Return the name."""
        return f"Region({self.name!r})"


def region_of(address: str) -> str | None:
    """Return the region that an ARN names; `None` if *address* is a name."""
    found = _ARN.match(address)
    return found[2] if found else None
