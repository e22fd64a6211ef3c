"""Which of several that can answer is asked first: the one that did, until it is time to look for the first again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from secretsource import _clock

__all__ = ["Preference", "Turn"]

M = TypeVar("M")


class Turn(NamedTuple, Generic[M]):
    """One request's way through the members.

    Attributes:
        members: All of them, in the order to ask.
        looks: Whether it looks for the first one, while another one is preferred.
    """

    members: list[M]
    looks: bool


class Preference(Generic[M]):
    """Remembers which member answered.

    It has no lock, as a fork could leave it taken: that two requests look for the first one at the same moment does no
    harm.

    Args:
        members: Those that can be asked; the first is asked first where it can answer.
        again: Seconds after which one request looks for the first again, while another one is preferred.
    """

    def __init__(self, members: Sequence[M], *, again: float) -> None:
        self.members = tuple(members)
        self._again = again
        self._preferred = self.first
        self._look_at = 0.0

    @property
    def first(self) -> M:
        """The one that is asked first where it can answer."""
        return self.members[0]

    def turn(self, *, may_look: bool = True) -> Turn[M]:
        """Return in which order a request asks. Where it looks for the first, the others do not wait for it."""
        preferred, now = self._preferred, _clock.now()
        looks = may_look and preferred is not self.first and now >= self._look_at
        if looks:
            self._look_at = now + self._again
            preferred = self.first
        return Turn([preferred, *(each for each in self.members if each is not preferred)], looks)

    def note(self, member: M, turn: Turn[M]) -> bool:
        """Prefer the *member* that answered; return whether it is another one than before.

        An answer from where it was expected changes nothing: others may have moved on meanwhile.
        """
        before = self._preferred
        if member is before or (member is turn.members[0] and not turn.looks):
            return False
        if before is self.first:
            self._look_at = _clock.now() + self._again
        self._preferred = member
        return True
