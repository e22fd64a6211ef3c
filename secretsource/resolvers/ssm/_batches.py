"""Many parameters in few calls of GetParameters; what a batch does not answer is read by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._secret import Document, NotThere
from secretsource.errors import Reason, ResolverError
from secretsource.resolvers import Answer, Location
from secretsource.resolvers._aws._calls import asked
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._quiet import own_call
from secretsource.resolvers._aws._rounds import Said, batches_of, may_be_one_of_them, read_all
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.ssm._document import document_of, parameters_in
from secretsource.resolvers.ssm._location import is_arn, is_possible
from secretsource.resolvers.ssm._service import SERVICE

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

__all__ = ["Batches"]

_LARGEST = 10  # parameters that one call may ask for


class Batches:
    """Reads many parameters for one resolver."""

    def __init__(
        self,
        name: str,
        clients: PerProcess[Clients[SSMClient]],
        fetch: Callable[[Location, Deadline], Answer],
        *,
        max_bytes: int,
    ) -> None:
        """Remember with what to ask.

        Args:
            name: The configured name of the resolver.
            clients: Its clients.
            fetch: Reads one parameter.
            max_bytes: The most bytes that a value may have.
        """
        self._name = name
        self._clients = clients
        self._fetch = fetch
        self._max_bytes = max_bytes

    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> list[Answer | ResolverError]:
        """Read the parameters at all *locations*; see `SsmResolver.fetch_many`."""
        return read_all(
            locations, deadline, resolver=self._name, cut=_cut, batch=self._read, alone=self._fetch
        )

    def _read(self, batch: list[Location], deadline: Deadline) -> dict[str, Said]:
        with own_call(deadline):
            return with_retries(lambda: self._attempt(batch), deadline)

    def _attempt(self, batch: list[Location]) -> dict[str, Said]:
        """Ask once; what fails as a whole is raised here, where no local holds a value."""
        said = asked(self._clients, lambda client: self._ask(client, batch), SERVICE, batch[0])
        if isinstance(said, dict):
            return said
        if not isinstance(said, Failure) or may_be_one_of_them(said):
            return {}
        raise said.error(self._name, "")

    def _ask(self, client: SSMClient, batch: list[Location]) -> dict[str, Said] | Failure:
        answer = client.get_parameters(Names=[each.address for each in batch], WithDecryption=True)
        parameters = parameters_in(answer)
        if isinstance(parameters, Failure):
            return parameters
        by_address = {each.address: each for each in batch}
        invalid = answer.get("InvalidParameters")
        missing = [each for each in invalid if each in by_address] if isinstance(invalid, list) else []
        said: dict[str, Said] = {address: NotThere(Reason.MISSING) for address in missing}
        for parameter in parameters:
            location = by_address.get(str(parameter.get("Name")))
            document = None if location is None else document_of(parameter, location, self._max_bytes)
            if location is not None and isinstance(document, Document):
                said[location.address] = document
        return said


def _cut(locations: Iterable[Location]) -> Iterator[list[Location]]:
    """Yield what can be asked for in batches: the current versions of parameters that are known by their names."""
    current = [
        each
        for each in locations
        if not (each.document or each.version or each.stage or is_arn(each.address))
        and is_possible(each.address)
    ]
    return batches_of(current, _LARGEST)
