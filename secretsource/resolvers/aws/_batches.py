"""Many secrets in few calls of BatchGetSecretValue; what a batch does not answer is read by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._secret import NotThere
from secretsource.errors import ResolverError
from secretsource.resolvers import Answer, Location
from secretsource.resolvers._aws._calls import asked
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._quiet import own_call
from secretsource.resolvers._aws._rounds import Said, batches_of, may_be_one_of_them, read_all
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.aws._entries import OPERATION, answers_of
from secretsource.resolvers.aws._region import Region
from secretsource.resolvers.aws._regions import Regions
from secretsource.resolvers.aws._service import SERVICE

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["Batches"]

_LARGEST = 20  # secrets that one call may ask for


class Batches:
    """Reads many secrets for one resolver."""

    def __init__(
        self,
        name: str,
        regions: Regions,
        fetch: Callable[[Location, Deadline], Answer],
        *,
        max_bytes: int,
    ) -> None:
        """Remember with what to ask.

        Args:
            name: The configured name of the resolver.
            regions: What it asks.
            fetch: Reads one secret.
            max_bytes: The most bytes that a value may have.
        """
        self._name = name
        self._regions = regions
        self._fetch = fetch
        self._max_bytes = max_bytes
        self._is_forbidden = False

    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> list[Answer | ResolverError]:
        """Read the secrets at all *locations*; see `SupportsFetchMany`.

        Versions and stages are not part of a batch. An identity that may not make batches reads one by one from then
        on; so does every batch that fails as a whole for what may be the fault of one secret in it.

        Raises:
            ConfigError: No region is configured anywhere, or boto3's own configuration is wrong.
        """
        return read_all(
            locations, deadline, resolver=self._name, cut=self._cut, batch=self._read, alone=self._fetch
        )

    def _cut(self, locations: Iterable[Location]) -> Iterator[list[Location]]:
        """Yield what can be asked for in batches. ARNs and names have batches of their own.

        An answer tells both its ARN and its name; were they mixed, the secret of another account, asked for by ARN,
        could be taken for the one of the same name here.
        """
        current = [] if self._is_forbidden else [each for each in locations if self._is_current(each)]
        for kind in (True, False):
            yield from batches_of(
                [each for each in current if each.address.startswith("arn:") is kind], _LARGEST
            )

    def _is_current(self, location: Location) -> bool:
        return (
            location.version is None
            and location.stage is None
            and self._regions.only(location.address) is None
        )

    def _read(self, batch: list[Location], deadline: Deadline) -> dict[str, Said]:
        """Read a batch; of what a replica says, "not there" is left out: a secret need not be replicated."""
        return self._regions.ask(
            lambda region, until: self._read_in(region, batch, until),
            deadline,
            counts=lambda said: {
                address: each for address, each in said.items() if not isinstance(each, NotThere)
            },
        )

    def _read_in(self, region: Region, batch: list[Location], deadline: Deadline) -> dict[str, Said]:
        with own_call(deadline):
            return with_retries(lambda: self._attempt(region, batch), deadline)

    def _attempt(self, region: Region, batch: list[Location]) -> dict[str, Said]:
        """Ask once; what fails as a whole is raised here, where no local holds a value."""
        said = asked(region.clients, lambda client: self._ask(client, region, batch), SERVICE, batch[0])
        if isinstance(said, dict):
            return said
        if not isinstance(said, Failure) or may_be_one_of_them(said):
            return {}
        raise said.error(self._name, "")

    def _ask(self, client: SecretsManagerClient, region: Region, batch: list[Location]) -> dict[str, Said]:
        from botocore.exceptions import ClientError

        places = {region.address(each.address): each for each in batch}
        try:
            answer = client.batch_get_secret_value(SecretIdList=list(places))
        except ClientError as error:
            if not _forbids(error):
                raise
        else:
            here = [each.__replace__(address=address) for address, each in places.items()]
            said = answers_of(answer, here, self._max_bytes)
            return {places[address].address: each for address, each in said.items()}
        self._note()
        return {}

    def _note(self) -> None:
        if not self._is_forbidden:
            self._is_forbidden = True
            logging.getLogger("secretsource").warning(
                "the resolver %r reads one by one: secretsmanager:%s is not allowed; "
                "allow it, or take batch = true away",
                self._name,
                OPERATION,
            )


def _forbids(error: Exception) -> bool:
    """Whether AWS says that this identity may make no batches at all.

    It also denies a whole batch where the policy of a VPC endpoint denies one secret in it.
    """
    said = getattr(error, "response", {}).get("Error", {})
    return said.get("Code") == "AccessDeniedException" and OPERATION in str(said.get("Message", ""))
