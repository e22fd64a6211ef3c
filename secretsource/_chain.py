"""The ordered links of a store: which outcome moves on, which one stops, and what each link said.

Only "I looked, it is not there" moves on to the next link. A denial or an outage stops, unless the link's policy says
``"next"``; then the secret may still be found further on, but its absence there is no proof that it does not exist, so
that link's error is raised in the end.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final, Literal, get_args

from secretsource._deadline import Deadline, is_seconds
from secretsource._entries import Entry, Hit, Whole
from secretsource._keys import DocumentKey, document_key
from secretsource._record import Record
from secretsource._reference import check_resolver_name
from secretsource._secret import Document, NotThere
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    Outcome,
    Reason,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
    Step,
)
from secretsource.resolvers import Location, Resolver, is_local, is_resolver

__all__ = ["Ask", "Found", "Link", "Looked", "Policy", "has", "part_for", "walk"]

Policy = Literal["stop", "next"]


class Link(Record, kw_only=False):
    """One place in a chain: a resolver, and the policy for what it may say.

    Args:
        resolver: The resolver that is asked.
        on_denied: What a denial does: ``"stop"`` the chain with `AccessDenied`, or go to the ``"next"`` link.
        on_unavailable: What an outage does, likewise. A TLS failure always stops: it must be loud.
        ttl: Seconds for which a value of this link is kept; `None` for the store's.
        max_stale: Seconds past the ttl for which it is served while the backend is down; `None` for the store's.

    Raises:
        ConfigError: A policy is neither ``"stop"`` nor ``"next"``, a time is negative, or the resolver is none.
    """

    resolver: Resolver
    on_denied: Policy = "stop"
    on_unavailable: Policy = "stop"
    ttl: float | None = None
    max_stale: float | None = None

    configured = False  # whether the configuration names the resolver, and no code has made it

    def __post_init__(self) -> None:
        """Check every argument."""
        if not is_resolver(self.resolver):
            raise ConfigError(
                f"a {type(self.resolver).__name__} is no resolver: it needs name, locate and fetch"
            )
        check_resolver_name(self.resolver.name)
        for key in ("on_denied", "on_unavailable"):
            if getattr(self, key) not in get_args(Policy):
                raise ConfigError(f"{key} of the resolver {self.resolver.name!r} must be 'stop' or 'next'")
        for key in ("ttl", "max_stale"):
            seconds = getattr(self, key)
            if seconds is not None and not is_seconds(seconds):
                raise ConfigError(f"{key} of the resolver {self.resolver.name!r} must be 0 seconds or more")

    @property
    def name(self) -> str:
        """The configured name of the resolver."""
        return self.resolver.name

    def passes_over(self, error: SecretSourceError) -> bool:
        """Whether *error* moves on to the next link, by this link's policy."""
        if isinstance(error, AccessDenied):
            return self.on_denied == "next"
        if isinstance(error, BackendUnavailable):
            return self.on_unavailable == "next" and error.reason is not Reason.TLS
        return False


class Ask:
    """What a walk wants to know next: this link, at this location.

    Attributes:
        link: The link.
        location: Where it looks.
        key: The document that holds the answer.
    """

    __slots__ = ("key", "link", "location")

    def __init__(self, link: Link, location: Location) -> None:
        """Ask for what is at *location*."""
        self.link: Final = link
        self.location: Final = location
        self.key: Final[DocumentKey] = document_key(
            link.name, location.address, location.version, location.stage
        )


class Looked(Record):
    """What came of an `Ask`.

    Attributes:
        answer: The document, that it is not there, or the error: a value here, of which each reader raises a copy.
        entry: What the cache keeps of it; `None` for an error.
        seconds: How long the backend took.
        cached: Whether the cache had it.
        stale: Whether it is past its ttl and served because the backend is down.
        outage: The error in whose place a stale answer is served.
    """

    answer: Document | NotThere | SecretSourceError
    entry: Entry | None = None
    seconds: float = 0.0
    cached: bool = False
    stale: bool = False
    outage: SecretSourceError | None = None


class Found(Record, kw_only=False):
    """The end of a walk: the link that has the value, and everything the decision rests on."""

    ask: Ask
    looked: Looked
    document: Document
    rests_on: tuple[tuple[Ask, Looked], ...]
    """Every answer that led here; the result is fresh for as long as all of them are."""
    passed_over: bool
    """Whether a link in front was passed over, so that its answer is still unknown."""


def walk(name: str, asks: Sequence[Ask], steps: list[Step]) -> Generator[Ask, Looked, Found]:
    """Ask link after link until one decides; the driver answers each `Ask` that is yielded.

    Args:
        name: The name, for messages.
        asks: The links of the chain with where each one looks.
        steps: Filled with what each link said, as the walk goes.

    Returns:
        The link that has the value.

    Raises:
        SecretNotFound: Every link looked, and none has it.
        ResolverError: A link stopped the chain, or was passed over and no other has it.
    """
    passed_over: SecretSourceError | None = None
    outage: SecretSourceError | None = None
    rests_on: list[tuple[Ask, Looked]] = []
    for ask in asks:
        looked = yield ask
        step, answer = _judge(ask, looked)
        steps.append(step)
        if looked.entry is not None:
            rests_on.append((ask, looked))
        if isinstance(answer, Document):
            return Found(ask, looked, answer, tuple(rests_on), passed_over is not None)
        if isinstance(answer, SecretSourceError):
            failure = _told(answer, ask, name, steps)
            if not ask.link.passes_over(answer):
                raise failure
            passed_over = passed_over or failure
        elif looked.outage is not None:
            # An old "not there" lets those behind it be found, and proves no absence.
            outage = outage or _told(looked.outage, ask, name, steps)
    if (error := passed_over or outage) is not None:
        raise _told(error, None, name, steps)
    raise SecretNotFound(name, tuple(steps))


def part_for(ask: Ask, asks: Sequence[Ask], deadline: Deadline) -> Deadline:
    """Return until when *ask* may take: a link that an outage passes over leaves time for those behind it.

    A backend that hangs would else use up the time of the whole chain, and ``on_unavailable = "next"`` would help only
    against outages that are told at once.
    """
    if ask.link.on_unavailable == "stop":
        return deadline
    remote = sum(not is_local(each.link.resolver) for each in asks[asks.index(ask) + 1 :])
    return Deadline(deadline.remaining / (1 + remote)) if remote else deadline


def _judge(ask: Ask, looked: Looked) -> tuple[Step, Document | NotThere | SecretSourceError]:
    answer = looked.answer
    if isinstance(answer, Document) and not has(answer, ask.location):
        answer = NotThere(Reason.FIELD)
    outcome, reason, detail = _classified(answer)
    if isinstance(answer, Document) and answer.pick(ask.location.field) in {"", b""}:
        detail = "empty"
    step = Step(
        link=ask.link.name,
        location=str(ask.location),
        outcome=outcome,
        reason=reason,
        detail=detail,
        version=answer.version if isinstance(answer, Document) else None,
        seconds=looked.seconds,
        cached=looked.cached,
        may_be_hidden=isinstance(answer, NotThere) and answer.may_be_hidden,
    )
    return step, answer


def has(answer: object, location: Location) -> bool:
    """Whether *answer* is a document, or what is kept of one, and holds what is asked for at *location*."""
    if not isinstance(answer, Document | Whole | Hit):
        return False
    return answer.has_fields if location.document else answer.pick(location.field) is not None


def _classified(answer: Document | NotThere | SecretSourceError) -> tuple[Outcome, Reason | None, str]:
    if isinstance(answer, Document):
        return Outcome.FOUND, None, ""
    if isinstance(answer, NotThere):
        return Outcome.NOT_THERE, answer.reason, answer.detail
    if not isinstance(answer, ResolverError):
        return Outcome.INVALID, None, str(answer)  # wrongly configured, as it turns out only now
    outcome = Outcome.INVALID
    if isinstance(answer, AccessDenied):
        outcome = Outcome.DENIED
    elif isinstance(answer, BackendUnavailable):
        outcome = Outcome.UNAVAILABLE
    return outcome, answer.reason, answer.detail


def _told(error: SecretSourceError, ask: Ask | None, name: str, steps: list[Step]) -> SecretSourceError:
    """Return a new error for one reader: no traceback, no context, and the account of the links."""
    if not isinstance(error, ResolverError):
        return type(error)(*error.args)
    told = error.copy(name=name)
    if ask is not None:
        told = told.copy(resolver=ask.link.name)
        # Of this reader: who shares the fetch may have asked for another field.
        told.location = str(ask.location)
    told.steps = tuple(steps)
    return told
