"""The regions of one resolver: where the first is unavailable, a replica in the next one answers.

Only an outage leads on: a denial, a missing secret, a broken answer and a failed TLS verification are the answer. What
a replica does not have is not "not there", as a secret need not be replicated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from secretsource._deadline import Deadline
from secretsource.errors import BackendUnavailable, InvalidResponse, Reason, ResolverError
from secretsource.resolvers._preference import Preference
from secretsource.resolvers.aws._region import Region, region_of

__all__ = ["BACK_AFTER", "Regions"]

BACK_AFTER = (
    30.0  # seconds for which a replica is asked first, until one reader looks for the first region again
)

T = TypeVar("T")


class Regions:
    """Asks the regions in turn, and remembers which one answered.

    Args:
        name: The configured name of the resolver.
        members: The regions, the first of which has all secrets.
    """

    def __init__(self, name: str, members: Sequence[Region]) -> None:
        self._name = name
        self._members = Preference(members, again=BACK_AFTER)

    def close(self) -> None:
        """Close all connections."""
        for member in self._members.members:
            member.close()

    @property
    def first(self) -> Region:
        """The region that has all secrets, and the only one that is written to."""
        return self._members.first

    def only(self, address: str) -> Region | None:
        """Return the one region that has a secret: that of an ARN which is no one of the first region.

        Its replicas have the ARN of the first region's secret but for the region, and are asked for by that.
        """
        named = region_of(address)
        if named is None or named == self.first.name:
            return None
        return next((member for member in self._members.members if member.name == named), None)

    def ask(
        self,
        read: Callable[[Region, Deadline], T],
        deadline: Deadline,
        *,
        counts: Callable[[T], T | None],
        only: Region | None = None,
    ) -> T:
        """Return what the first region answers, or, where it is unavailable, the next.

        Args:
            read: Asks one region, inside its share of the time, and raises one of `secretsource.errors`.
            deadline: When the answer is wanted.
            counts: Returns what counts of the answer of a replica; `None` if nothing does.
            only: The region that has what is asked for, if no other one has.

        Raises:
            ResolverError: The refusal of a region; if all are unavailable, what each of them said.
        """
        if only is not None or len(self._members.members) == 1:
            return read(only or self.first, deadline)
        said: dict[Region, ResolverError | None] = {}
        turn = self._members.turn()
        for left, member in zip(range(len(turn.members), 0, -1), turn.members, strict=True):
            share = deadline if left == 1 else Deadline(deadline.remaining / left)
            answer = self._asked(read, member, share, said)
            kept = answer if answer is None or member is self.first else counts(answer)
            if kept is not None:
                if self._members.note(member, turn):
                    self._tell(member)
                return kept
        raise self._failure(said)

    def _asked(
        self,
        read: Callable[[Region, Deadline], T],
        member: Region,
        deadline: Deadline,
        said: dict[Region, ResolverError | None],
    ) -> T | None:
        """Return what a region answers; if it is an outage, put it into *said* and return `None`."""
        said[member] = None
        try:
            return read(member, deadline)
        except (BackendUnavailable, InvalidResponse) as error:
            failure: ResolverError = error.copy()
        # A broken answer is no outage; a replica that gives one is as good as none.
        broken = member is self.first and isinstance(failure, InvalidResponse)
        if broken or failure.reason is Reason.TLS:
            raise failure
        said[member] = failure
        return None

    def _tell(self, member: Region) -> None:
        """Log that another region answers than before."""
        import logging  # slow to import, and not needed while all is well

        log = logging.getLogger("secretsource")
        if member is self.first:
            log.info("the resolver %r reads from %s again", self._name, member.name)
        else:
            log.warning(
                "the resolver %r reads from %s: %s is unavailable", self._name, member.name, self.first.name
            )

    def _failure(self, said: dict[Region, ResolverError | None]) -> ResolverError:
        """Return the error of the first region, whose word counts, with what the others said."""
        error = said[self.first]
        assert error is not None  # noqa: S101 - else it had answered
        error = error.copy()
        error.detail = "; ".join(_line(member, said[member]) for member in self._members.members)
        error.args = (error.detail,)
        return error


def _line(member: Region, failure: ResolverError | None) -> str:
    if failure is None:
        return f"{member.name}: no replica"
    return f"{member.name}: {failure.reason.text}" + (f", {failure.detail}" if failure.detail else "")
