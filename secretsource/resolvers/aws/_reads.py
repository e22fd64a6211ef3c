"""Reading one secret: from the first region, or a replica where that is unavailable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere
from secretsource.resolvers import Answer, Location
from secretsource.resolvers._aws._calls import asked
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._quiet import own_call
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.aws._document import document_of
from secretsource.resolvers.aws._location import impossible, request_for
from secretsource.resolvers.aws._region import Region
from secretsource.resolvers.aws._regions import Regions
from secretsource.resolvers.aws._service import SERVICE

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["Reads"]


class Reads:
    """Reads secrets with GetSecretValue, for one resolver.

    Args:
        name: The configured name of the resolver.
        regions: What it asks.
        max_bytes: The most bytes that a value may have.
    """

    def __init__(self, name: str, regions: Regions, *, max_bytes: int) -> None:
        self._name = name
        self._regions = regions
        self._max_bytes = max_bytes

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Read the secret at *location*; see `Resolver.fetch`."""
        return self._regions.ask(
            lambda region, until: self.read(region, location, until),
            deadline,
            counts=_if_found,
            only=self._regions.only(location.address),
        )

    def read(self, region: Region, location: Location, deadline: Deadline) -> Document | NotThere:
        """Read it in one region."""
        with own_call(deadline):
            return with_retries(lambda: self._attempt(region, location), deadline)

    def _attempt(self, region: Region, location: Location) -> Document | NotThere:
        """Ask once, and once more with new credentials; what fails is raised here, where no local holds a value."""
        said = asked(region.clients, lambda client: self._ask(client, region, location), SERVICE, location)
        if isinstance(said, Failure):
            raise said.error(self._name, str(location))
        return said

    def _ask(
        self, client: SecretsManagerClient, region: Region, location: Location
    ) -> Document | NotThere | Failure:
        if (absent := impossible(location)) is not None:
            return absent
        answer = client.get_secret_value(**request_for(location, region))
        return document_of(answer, self._max_bytes, location)


def _if_found(said: Document | NotThere) -> Document | NotThere | None:
    return said if isinstance(said, Document) else None
