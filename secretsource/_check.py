"""Checking a store: each link tells who the backend takes us for, and each name is asked for; all at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias

from secretsource._answers import ask_health, policy_of
from secretsource._call import Call
from secretsource._chain import Ask, Link, Looked
from secretsource._deadline import Deadline
from secretsource._documents import Documents
from secretsource._drive import Round
from secretsource._findings import Check, LinkCheck, NameCheck
from secretsource._flight import Flight
from secretsource._pending import Pending
from secretsource._places import Places
from secretsource._reads import Read, Reads
from secretsource._secret import NotThere
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    InvalidReference,
    Outcome,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
    Step,
)
from secretsource.resolvers import Health, Location, is_local

__all__ = ["Checking", "checked"]

_Part: TypeAlias = LinkCheck | NameCheck
Checking: TypeAlias = Generator[Round[_Part], "dict[str, _Part | SecretSourceError]", Check]

_OF_LINK = "link "  # before the names of links among the parts: no name and no reference holds a blank


class _Told(Looked):
    """What came of asking a link who we are."""

    health: Health | None = None


def checked(
    names: Mapping[str, bool], call: Call, *, places: Places, reads: Reads, documents: Documents
) -> Checking:
    """Ask every link and for every name, in one round.

    Args:
        names: Which names are asked for, and whether each one is required.
        call: What the caller wants; backends are asked whatever is cached.
        places: Where names are looked for.
        reads: Makes the reads.
        documents: Answers them.

    Raises:
        InvalidReference: A name breaks the grammar; nothing was asked.
    """
    asks, wrong = dict[str, list[Ask]](), dict[str, NameCheck]()
    for name, required in names.items():
        try:
            asks[name] = places.asks(name)
        except InvalidReference:
            raise
        except SecretSourceError as error:  # its resolver cannot be built, or say where it looks
            wrong[name] = NameCheck(name=name, required=required, error=error.with_traceback(None))
    outside = {ask.link.name: ask.link for each in asks.values() for ask in each}
    links = {link.name: link for link in places.chain} | outside
    batch = documents.batch()
    fresh = Call(call.deadline, refresh=True, hasty=call.hasty, batch=batch)
    parts: dict[str, Read[_Part]] = {}
    parts |= {_OF_LINK + name: _link(link, call.deadline) for name, link in links.items()}
    parts |= {name: _name(name, each, names[name], reads, fresh) for name, each in asks.items()}
    told = yield parts, batch.depart
    of_names = [wrong.get(name) or told[name] for name in names]
    found = tuple(each for each in of_names if isinstance(each, NameCheck))
    of_links = [(link, told[_OF_LINK + name]) for name, link in links.items()]
    return Check(
        links=tuple(
            _with_policy(link, each, found, asks) for link, each in of_links if isinstance(each, LinkCheck)
        ),
        names=found,
    )


def _link(link: Link, deadline: Deadline) -> Read[LinkCheck]:
    if not callable(getattr(link.resolver, "check", None)):
        return LinkCheck(link=link.name)
    if is_local(link.resolver):
        looked: Looked = _told(link, deadline)
    else:
        flight = _flight(link, deadline)
        looked = yield Pending(flight, deadline, deadline, float("inf"), time.perf_counter())
    error = looked.answer if isinstance(looked.answer, SecretSourceError) else None
    if isinstance(error, ResolverError):
        error = error.copy(resolver=link.name)
    health = looked.health if isinstance(looked, _Told) else None
    return LinkCheck(link=link.name, health=health, error=error, seconds=looked.seconds)


def _flight(link: Link, deadline: Deadline) -> Flight[Looked]:
    """Ask a link on a thread of its own: those of the fetches may all be taken by backends that hang."""
    flight = Flight[Looked](link.name, 0, deadline)
    flight.lane = link.name  # it does not wait for others
    fly = partial(_fly, flight, link, deadline)
    try:
        threading.Thread(target=fly, name="secretsource-check", daemon=True).start()
    except RuntimeError:  # the system has no more, or the interpreter ends
        flight.land(Looked(answer=BackendUnavailable("no thread can be started to ask")))
    return flight


def _fly(flight: Flight[Looked], link: Link, deadline: Deadline) -> None:
    flight.land(_told(link, deadline))
    flight.wake()


def _told(link: Link, deadline: Deadline) -> _Told:
    started = time.perf_counter()
    said = ask_health(link, deadline)
    seconds = time.perf_counter() - started
    if isinstance(said, Health):
        return _Told(answer=NotThere(), health=said, seconds=seconds)
    return _Told(answer=said, seconds=seconds)


def _name(name: str, asks: Sequence[Ask], required: bool, reads: Reads, call: Call) -> Read[NameCheck]:
    steps: list[Step] = []
    found, error = None, None
    try:
        found = yield from reads.walked(name, asks, steps, call)
    except SecretSourceError as caught:
        error = caught.with_traceback(None)  # its frames hold what the links answered
    created = None if found is None else found.document.created
    return NameCheck(
        name=name,
        required=required,
        steps=tuple(steps),
        not_asked=tuple((ask.link.name, str(ask.location)) for ask in asks[len(steps) :]),
        created=created if isinstance(created, datetime) else None,  # a resolver of others may say anything
        lease=None if found is None else found.document.lease,
        error=error,
    )


def _with_policy(
    link: Link, told: LinkCheck, names: Sequence[NameCheck], asks: Mapping[str, Sequence[Ask]]
) -> LinkCheck:
    """Return *told* with the policy for what the link denied, where a policy is what is missing."""
    wanted: dict[str, Location] = {}
    for each in names:
        if not each.is_good:
            steps = zip(asks.get(each.name, ()), each.steps, strict=False)
            wanted.update(
                (each.name, ask.location)
                for ask, step in steps
                if ask.link is link and _lacks_right(step, each) and not _is_refused_login(step, told)
            )
    policy = policy_of(link.resolver, list(dict.fromkeys(wanted.values()))) if wanted else ""
    return LinkCheck(
        link=told.link,
        health=told.health,
        error=told.error,
        seconds=told.seconds,
        policy=policy,
        policy_names=tuple(wanted),
    )


def _lacks_right(step: Step, name: NameCheck) -> bool:
    if step.outcome is Outcome.NOT_THERE:
        return isinstance(name.error, SecretNotFound) and step.may_be_hidden
    return step.outcome is Outcome.DENIED


def _is_refused_login(step: Step, told: LinkCheck) -> bool:
    """Whether the name was denied because nobody is logged in, which no policy mends."""
    return isinstance(told.error, AccessDenied) and told.error.detail == step.detail
