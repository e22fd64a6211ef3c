"""Many locations in few calls: what no batch answers is read by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere
from secretsource.errors import Reason, ResolverError
from secretsource.resolvers._at_once import at_once
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._location import Answer, Location
from secretsource.resolvers._own_error import own_error

__all__ = ["Said", "batches_of", "may_be_one_of_them", "read_all"]

_Key = tuple[str, str | None, str | None]
Said = Document | NotThere | ResolverError
"""What a batch says of one address."""


def read_all(
    locations: Sequence[Location],
    deadline: Deadline,
    *,
    resolver: str,
    cut: Callable[[Iterable[Location]], Iterable[list[Location]]],
    batch: Callable[[list[Location], Deadline], Mapping[str, Said]],
    alone: Callable[[Location, Deadline], Answer],
) -> list[Answer | ResolverError]:
    """Return an answer for each location, in their order; see `SupportsFetchMany`.

    Args:
        locations: What is asked for; fields of one document are asked for once.
        deadline: When the answers are wanted.
        resolver: The configured name.
        cut: Returns what can be asked for in batches.
        batch: Reads one, by address; what it does not answer is read by itself.
        alone: Reads one location.

    Raises:
        ConfigError: *batch* or *alone* raised it.
    """
    wanted = {_key(each): each for each in locations}
    batches = list(cut(wanted.values()))
    said: dict[_Key, Answer | ResolverError] = {}
    outcomes = at_once(lambda one: batch(one, deadline), batches, deadline)
    for members, outcome in zip(batches, outcomes, strict=True):
        for each in members:
            if isinstance(outcome, ResolverError):
                said[_key(each)] = outcome
            elif each.address in outcome:
                said[_key(each)] = outcome[each.address]
    left = [each for key, each in wanted.items() if key not in said]
    said |= dict(
        zip(map(_key, left), at_once(lambda each: alone(each, deadline), left, deadline), strict=True)
    )
    return [own_error(said[_key(each)], resolver, each) for each in locations]


def batches_of(locations: Sequence[Location], most: int) -> Iterator[list[Location]]:
    """Yield *locations* in batches of *most*; one that would be alone is left out, and so is read by itself."""
    for start in range(0, len(locations), most):
        batch = list(locations[start : start + most])
        if len(batch) > 1:
            yield batch


def may_be_one_of_them(failure: Failure) -> bool:
    """Whether a call failed for what one in the batch may have caused, not the login, the network or the service."""
    return not failure.login and failure.reason in {Reason.DENIED, Reason.BROKEN}


def _key(location: Location) -> _Key:
    return location.address, location.version, location.stage
