"""How one document is read: from the cache, else by one fetch that everybody shares."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from secretsource._answers import ask_for, ask_for_many, prolong
from secretsource._batch import Batch
from secretsource._cache import Cache
from secretsource._call import Call
from secretsource._chain import Ask, Looked, has
from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource._entries import Entry, entry_of
from secretsource._flight import Flight, Flights
from secretsource._keys import DocumentKey, resolver_of
from secretsource._lifetime import Lifetime
from secretsource._outages import Outages, may_serve_stale
from secretsource._pending import Pending
from secretsource._refusals import Refusals
from secretsource._secret import Document, NotThere
from secretsource._workers import Workers
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    DeadlineExceeded,
    Reason,
    ResolverError,
    SecretSourceError,
)
from secretsource.resolvers import Location, is_local

__all__ = ["Documents", "is_late"]

_now = time.perf_counter
_SWEEP_PAUSE = 1.0  # seconds; looking through all entries is not for every read


class Documents:
    """Answers the asks of a walk."""

    def __init__(
        self,
        cache: Cache,
        workers: Workers,
        clock: Clock,
        *,
        stale_wait: float,
        timeout: float,
        landed: Callable[[DocumentKey, Entry], None],
        is_landing_here: Callable[[], bool],
    ) -> None:
        """Read through a cache.

        Args:
            cache: Where answers are kept.
            workers: On which backends are asked.
            clock: Measures ages.
            stale_wait: Seconds that a reader waits for a fetch when there is an old value.
            timeout: Seconds that a fetch in the background may take.
            landed: Called with every new answer, in their order; must be quick.
            is_landing_here: Whether this thread is in the middle of what *landed* does.
        """
        self._cache = cache
        self._flights = Flights[Looked](workers, failed=lambda why: Looked(answer=BackendUnavailable(why)))
        self._outages = Outages()
        self._clock = clock
        self.stale_wait = stale_wait
        self._timeout = timeout
        self._landed = landed
        self._changing = (
            cache.is_held_here,
            self._flights.is_held_here,
            self._outages.is_held_here,
            is_landing_here,
        )
        self._lifetimes: dict[str, Lifetime] = {}
        self._swept_at = float("-inf")
        self.refusals: Final = Refusals()

    def look(
        self,
        ask: Ask,
        lifetime: Lifetime,
        part: Deadline,
        call: Call,
        *,
        spare: float,
        insist: bool = False,
    ) -> Looked | Pending:
        """Return what the cache has, or a fetch to wait for; local resolvers are asked at once, in this thread.

        Args:
            ask: What is wanted.
            lifetime: How long its answers are kept.
            part: When this link must have answered.
            call: What the reader wants.
            spare: Seconds that this reader waits still where there is an old answer to serve.
            insist: Ask also a backend that is down, where its last answer was "not there", or none.
        """
        soon, now, seen = float("inf"), self._clock(), 0
        self._sweep(now)
        self._note_lost(ask, now)
        if not call.refresh and (entry := self._cache.get(ask.key)) is not None:
            seen = entry.number
            if now < lifetime.refresh_at(entry, ask.location):
                return Looked(answer=entry.answer, entry=entry, cached=True)
            if not is_local(ask.link.resolver):
                old = self._old_but_usable(ask, lifetime, entry, now)
                if old is not None and not (insist and old.stale and not has(old.answer, ask.location)):
                    return old
                soon = self.stale_wait if self._is_servable(lifetime, entry, ask.location, now) else soon
        elif (
            not call.refresh and not insist and (known := self._known_failure(ask, lifetime, now)) is not None
        ):
            return known
        if is_local(ask.link.resolver):
            return self._fetch(ask, lifetime, part, fresh=call.refresh)
        if part.expired:
            if seen:
                self._refresh_behind(ask, lifetime, seen, now)  # else nobody would who has no time
            return Looked(answer=DeadlineExceeded("the deadline was over before this link was asked"))
        # Where the reader need not have this answer, the fetch has its usual time, so that being late tells something.
        spared = soon < float("inf") or (ask.link.on_unavailable == "next" and not call.refresh)
        flight = self._join(
            ask,
            lifetime,
            Deadline(self._timeout) if call.hasty and spared else part,
            seen=None if call.refresh else seen,
            hasty=call.hasty and not spared,
            batch=call.batch,
        )
        if isinstance(flight, Looked):
            return flight
        if soon < float("inf"):  # nobody waits for what others have waited for in vain
            soon = min(spare, soon - flight.seconds)
        return Pending(flight, part, call.deadline, soon, _now())

    def settle(self, ask: Ask, lifetime: Lifetime, looked: Looked, *, refresh: bool) -> Looked:
        """Put the last good answer in the place of an outage, while it may still be served."""
        if refresh or not may_serve_stale(looked.answer):
            return looked
        entry, now = self._cache.get(ask.key), self._clock()
        if entry is None or not self._is_servable(lifetime, entry, ask.location, now):
            return looked
        return _in_place_of(looked, entry, stale=now >= lifetime.fresh_until(entry, ask.location))

    def renew(self, ask: Ask, number: int, lifetime: Lifetime, call: Call) -> Looked | Pending | None:
        """Ask anew for a document whose value was refused, together with everybody whose was; not too often.

        Args:
            ask: What is wanted.
            number: That of the answer which was refused.
            lifetime: How long its answers are kept.
            call: What the reader wants.

        Returns:
            The fetch to wait for; `None` if one has ended a short time ago.
        """
        if is_local(ask.link.resolver) or self._interrupts_a_change():
            self.refusals.note(ask.key, self._clock())
            return self._fetch(ask, lifetime, call.deadline, fresh=True)
        flight = self.refusals.ask(
            ask.key,
            number,
            self._clock(),
            lambda: self._join(ask, lifetime, call.deadline, seen=None, hasty=call.hasty),
            refused=self._cache.get(ask.key),
        )
        if not isinstance(flight, Flight):
            return flight
        return Pending(flight, call.deadline, call.deadline, float("inf"), _now())

    def forget(self, asks: list[Ask] | None = None) -> None:
        """Forget what *asks* were answered, or everything; also what is being fetched for them now."""
        keys = None if asks is None else [ask.key for ask in asks]
        self._flights.disown(keys)
        number = self._flights.next_number()
        if keys is None:
            self._cache.clear(number)
            self._outages.forget()
            self.refusals.forget()
        for key in keys or ():
            self._cache.drop(key, number)
            self._outages.forget(key)
            self.refusals.forget(key)

    def next_number(self) -> int:
        """Return a number that is higher than that of every fetch before, and lower than that of every later one."""
        return self._flights.next_number()

    # What is past its refresh point

    def _old_but_usable(self, ask: Ask, lifetime: Lifetime, entry: Entry, now: float) -> Looked | None:
        """Return *entry* while readers need not wait for a newer one, and see to it that one comes."""
        fresh = now < lifetime.fresh_until(entry, ask.location)
        failure = self._outages.failure(ask.key, now)
        known_down = may_serve_stale(failure) and self._is_servable(lifetime, entry, ask.location, now)
        if not fresh and not known_down:
            return None
        self._refresh_behind(ask, lifetime, entry.number, now)
        if fresh:
            return Looked(answer=entry.answer, entry=entry, cached=True)
        return Looked(answer=entry.answer, entry=entry, cached=True, stale=True, outage=failure)

    def _known_failure(self, ask: Ask, lifetime: Lifetime, now: float) -> Looked | None:
        """Return why a link that may be passed over did not answer lately, so that nobody waits for it again."""
        failure = self._outages.failure(ask.key, now)
        if failure is None or not ask.link.passes_over(failure):
            return None
        self._refresh_behind(ask, lifetime, 0, now)
        return Looked(answer=failure, cached=True)

    def _refresh_behind(self, ask: Ask, lifetime: Lifetime, seen: int, now: float) -> None:
        key = ask.key
        if self._flights.flying(key) is not None or self._interrupts_a_change():
            return
        if self._outages.may_try(key, now, self._timeout):
            self._join(ask, lifetime, Deadline(self._timeout), seen=seen)

    @staticmethod
    def _is_servable(lifetime: Lifetime, entry: Entry, location: Location, now: float) -> bool:
        """Whether *entry* may stand in for an answer that does not come."""
        return now < lifetime.served_until(entry, location) and not entry.distrusted

    # Asking

    def _join(
        self,
        ask: Ask,
        lifetime: Lifetime,
        deadline: Deadline,
        *,
        seen: int | None,
        hasty: bool = False,
        batch: Batch | None = None,
    ) -> Flight[Looked] | Looked:
        """Return the flight for a document, or what one has brought since the caller looked.

        Args:
            ask: What is wanted.
            lifetime: How long its answers are kept.
            deadline: When the caller wants it.
            seen: The number of the answer that the caller saw in the cache, 0 for none; `None` if only a flight that
                has not begun will do.
            hasty: Whether the caller gives less time than is usual.
            batch: The fetches of the caller's call.
        """
        if self._interrupts_a_change():
            return self._fetch(ask, lifetime, deadline, fresh=seen is None)
        key = ask.key

        def landed() -> Looked | None:
            entry = None if seen is None else self._cache.get(key)
            if entry is None or seen is None or entry.number <= seen:
                return None
            if self._clock() >= lifetime.fresh_until(entry, ask.location):
                return None
            return Looked(answer=entry.answer, entry=entry, cached=True)

        flight, is_new = self._flights.book(
            key, deadline, fresh=seen is None, hasty=hasty, call=batch, landed=landed
        )
        if not is_new or not isinstance(flight, Flight):
            return flight
        try:
            if batch is not None:
                batch.take(ask, lifetime, flight)
            else:
                self._depart([(ask, lifetime, flight)])
        except BaseException:  # Ctrl-C: others may have joined it already
            self._flights.call_off([flight], "the call that was to ask was interrupted")
            raise
        return flight

    def _interrupts_a_change(self) -> bool:
        """Whether this read is a signal handler's, in the middle of a change that workers wait for.

        It must not wait for them, and asks in its own thread.
        """
        return any(is_held_here() for is_held_here in self._changing)

    def batch(self) -> Batch:
        """Return what collects the fetches of one call."""
        return Batch(self._depart)

    def _depart(self, parts: Sequence[tuple[Ask, Lifetime, Flight[Looked]]]) -> None:
        asks = [(ask, lifetime) for ask, lifetime, _ in parts]
        flights = [flight for _, _, flight in parts]
        hasty = any(flight.hasty for flight in flights)

        def fetch(deadline: Deadline, numbers: Sequence[int]) -> list[Looked]:
            fresh = any(flight.fresh for flight in flights)
            return self._fetch_all(asks, deadline, numbers, fresh=fresh, hasty=hasty)

        self._flights.depart(flights, asks[0][0].link.name, fetch)

    def _fetch(self, ask: Ask, lifetime: Lifetime, deadline: Deadline, *, fresh: bool) -> Looked:
        """Ask in this thread."""
        return self._fetch_all([(ask, lifetime)], deadline, [self._flights.next_number()], fresh=fresh)[0]

    def _fetch_all(
        self,
        asks: Sequence[tuple[Ask, Lifetime]],
        deadline: Deadline,
        numbers: Sequence[int],
        *,
        fresh: bool,
        hasty: bool = False,
    ) -> list[Looked]:
        hasty |= deadline.expired  # no worker was free: that says nothing of the backend either
        asked_at, started = self._clock(), _now()
        answers = self._answers([ask for ask, _ in asks], deadline, fresh=fresh)
        seconds = _now() - started
        return [
            self._noted(ask, lifetime, answer, asked_at=asked_at, seconds=seconds, number=number, hasty=hasty)
            for (ask, lifetime), answer, number in zip(asks, answers, numbers, strict=True)
        ]

    def _answers(
        self, asks: Sequence[Ask], deadline: Deadline, *, fresh: bool
    ) -> Sequence[Document | NotThere | SecretSourceError]:
        """Ask the backend; for a document that it has lent us it may be enough that the lease goes on."""
        if len(asks) > 1:
            return ask_for_many(asks, deadline, fresh=fresh)
        lent = None if fresh else self._lent(asks[0])
        kept = None if lent is None else prolong(asks[0], lent, deadline)
        return [ask_for(asks[0], deadline, fresh=fresh) if kept is None else kept]

    def _lent(self, ask: Ask) -> Document | None:
        """Return the document that is kept for *ask*, if it has a lease that is not over."""
        entry = self._cache.get(ask.key)
        if entry is None or entry.lease is None or self._clock() >= entry.fetched_at + entry.lease:
            return None
        return entry.answer if isinstance(entry.answer, Document) else None

    def _noted(
        self,
        ask: Ask,
        lifetime: Lifetime,
        answer: Document | NotThere | SecretSourceError,
        *,
        asked_at: float,
        seconds: float,
        number: int,
        hasty: bool,
    ) -> Looked:
        """Let the cache and the outages know what came of a fetch."""
        key, now = ask.key, self._clock()
        if isinstance(answer, SecretSourceError):
            if not (hasty and is_late(answer)):
                self._note_failure(ask, answer, number, now)
            return Looked(answer=answer, seconds=seconds)
        entry = entry_of(answer, fetched_at=asked_at, number=number)
        self._note_lifetime(ask.link.name, lifetime)
        self._sweep(now)
        if isinstance(answer, NotThere) and is_local(ask.link.resolver):
            self._cache.replace_by_nothing(key, number)  # not worth a place: the next reader looks itself
        else:
            self._cache.put(key, entry, then=partial(self._landed, key, entry))
        self._outages.answered(key, now)
        return Looked(answer=answer, entry=entry, seconds=seconds)

    def _note_lost(self, ask: Ask, now: float) -> None:
        """Let nobody join a fetch any more that should have ended long ago, and note it as one that failed."""
        if (lost := self._flights.lost(ask.key)) is not None and lost.lane is not None and not lost.hasty:
            self._note_failure(
                ask, DeadlineExceeded(f"no answer after {lost.seconds:.0f} s"), lost.number, now
            )

    def _note_failure(self, ask: Ask, error: SecretSourceError, number: int, now: float) -> None:
        key = ask.key
        self._outages.end_attempt(key)
        if isinstance(error, AccessDenied):
            self._cache.drop(key, number)
            self._outages.answered(key, now)
            return
        entry = self._cache.get(key)
        if entry is not None and entry.number < number:
            if isinstance(error, ResolverError) and error.reason is Reason.TLS:
                self._cache.distrust(key, number)
            self._outages.failed(key, error, number, now)
            self._cache.unlink(key)
        elif entry is None and ask.link.passes_over(error):
            self._outages.failed(key, error, number, now, tell=False)

    # What is of no use to anybody

    def _note_lifetime(self, link: str, lifetime: Lifetime) -> None:
        known = self._lifetimes.get(link)
        if known is None or lifetime.ttl > known.ttl:
            self._lifetimes[link] = lifetime

    def _sweep(self, now: float) -> None:
        """Forget every answer that is past any use, unless that was done just now."""
        if now - self._swept_at >= _SWEEP_PAUSE:
            self._swept_at = now
            self._cache.sweep(lambda key, entry: now >= self._lifetimes[resolver_of(key)].longest(entry))


def is_late(answer: object) -> bool:
    """Whether *answer* is that there was none in time."""
    return isinstance(answer, ResolverError) and answer.reason is Reason.TIMEOUT


def _in_place_of(looked: Looked, entry: Entry, *, stale: bool) -> Looked:
    failure = looked.answer if isinstance(looked.answer, SecretSourceError) else None
    return Looked(
        answer=entry.answer,
        entry=entry,
        seconds=looked.seconds,
        cached=True,
        stale=stale,  # not if another fetch was luckier
        outage=failure if stale else None,
    )
