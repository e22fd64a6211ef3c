"""What one caller wants of the reads it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource._deadline import Deadline

if TYPE_CHECKING:
    from secretsource._batch import Batch

__all__ = ["Call"]


class Call:
    """One call of a store.

    Attributes:
        deadline: When it is over.
        refresh: Whether the backends are asked whatever is cached.
        hasty: Whether it gives them less time than is usual, so that their being late says nothing of them.
        batch: Its fetches, which travel together; `None` where it reads one name.
    """

    __slots__ = ("batch", "deadline", "hasty", "refresh")

    def __init__(
        self, deadline: Deadline, *, refresh: bool = False, hasty: bool = False, batch: Batch | None = None
    ) -> None:
        """Note what is wanted."""
        self.deadline = deadline
        self.refresh = refresh
        self.hasty = hasty
        self.batch = batch
