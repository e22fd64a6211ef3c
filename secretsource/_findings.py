"""What a check has found: of each link, and of each name. Holds no value and no token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource._record import Record
from secretsource.errors import Outcome, SecretNotFound, SecretSourceError, Step
from secretsource.resolvers import Health

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Check", "LinkCheck", "NameCheck"]


class LinkCheck(Record):
    """What one link said of itself.

    Attributes:
        link: The configured name of the resolver.
        health: Who the backend takes us for, and until when; `None` where there is an error, and where the resolver has
            no ``check``, so that only its answers for names tell something.
        error: Why it did not say, or `None`.
        seconds: How long it took.
        policy: The smallest policy that would let `policy_names` be read at this link, ready to paste; empty where
            nothing is missing, or the resolver cannot tell.
        policy_names: The names that this link denied, or may have hidden, and that have no value therefore.
    """

    link: str
    health: Health | None = None
    error: SecretSourceError | None = None
    seconds: float = 0.0
    policy: str = ""
    policy_names: tuple[str, ...] = ()


class NameCheck(Record):
    """What came of one name.

    Attributes:
        name: The name or reference.
        required: Whether it matters that it is not there.
        steps: The links that were asked, in order.
        not_asked: The links behind the one that decided, with where they would have looked.
        created: When the version that was found was made, where the backend says so.
        lease: Seconds for which the backend lets us use it; `None` without limit.
        error: What a reader would get instead of a value, or `None`.
    """

    name: str
    required: bool = True
    steps: tuple[Step, ...] = ()
    not_asked: tuple[tuple[str, str], ...] = ()
    created: datetime | None = None
    lease: float | None = None
    error: SecretSourceError | None = None

    @property
    def found(self) -> Step | None:
        """The link that has the value, where, and in which version; `None` if there is no value."""
        last = self.steps[-1] if self.steps else None
        return last if last is not None and last.outcome is Outcome.FOUND else None

    @property
    def is_good(self) -> bool:
        """Whether there is a value, or it does not matter that it is not there."""
        return self.error is None or (not self.required and isinstance(self.error, SecretNotFound))


class Check(Record):
    """What `Store.check` has found.

    Attributes:
        links: The links of the chain, then those outside it that a reference asks.
        names: The names, in their order.
    """

    links: tuple[LinkCheck, ...]
    names: tuple[NameCheck, ...] = ()

    @property
    def errors(self) -> tuple[SecretSourceError, ...]:
        """Everything that is wrong: of the links, then of the names. Empty if all is well."""
        of_names = [name.error for name in self.names if not name.is_good]
        return tuple(
            error for error in [*(link.error for link in self.links), *of_names] if error is not None
        )
