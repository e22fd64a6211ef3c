"""How one read goes: through the links, to a secret, and to the direct entry for the next reader.

Reads are generators that yield what they wait for, so that the rules stand here once for threads and for coroutines.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from secretsource._cache import Cache
from secretsource._call import Call
from secretsource._chain import Ask, Found, Looked, has, part_for, walk
from secretsource._clock import Clock
from secretsource._documents import Documents, is_late
from secretsource._drive import Round
from secretsource._entries import Entry, Hit
from secretsource._keys import DocumentKey
from secretsource._lifetime import Lifetime
from secretsource._pending import Pending
from secretsource._places import Places
from secretsource._resolved import are_same, secret_from
from secretsource._rotation import Rotations
from secretsource._secret import Secret, Value
from secretsource.errors import SecretSourceError, Step
from secretsource.resolvers import is_local

__all__ = ["Read", "Reads"]

T = TypeVar("T")

Read: TypeAlias = Generator[Pending, Looked, T]
Results: TypeAlias = dict[str, Found | SecretSourceError]

# Direct entries are looked over so often at least, in seconds: for what has become of no use meanwhile, and, where a
# refresh is due or an old value is served, for the next attempt.
_LOOK_OVER = 60.0
_LOOK_OVER_SOON = 1.0
# Seconds after which one who waits for another version looks whether somebody has found it; that costs no call.
_LOOK_AGAIN = 0.1


class _Spare:
    """The seconds that one walk still waits where there are old answers to serve."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def spend(self, pending: Pending) -> None:
        if pending.soon < float("inf"):
            self.seconds -= pending.seconds


class Reads:
    """Makes the reads of one store."""

    def __init__(
        self,
        *,
        places: Places,
        lifetime: Lifetime,
        cache: Cache,
        documents: Documents,
        rotations: Rotations,
        clock: Clock,
    ) -> None:
        """Put the parts of a store together."""
        self._places = places
        self._lifetime = lifetime
        self._cache = cache
        self._documents = documents
        self._rotations = rotations
        self._clock = clock
        self._look_over_next = float("-inf")

    def secret(self, name: str, call: Call) -> Read[Secret]:
        """Read one name."""
        if not call.refresh and (hit := self._hit(name)) is not None:
            secret = self._secret_of(name, hit)
            if secret is not None:
                return secret
        return self._keep(name, (yield from self._found(name, call)), call)

    def fields(self, name: str, call: Call) -> Read[Mapping[str, Value]]:
        """Read a whole document."""
        found = yield from self.walked(name, self._places.asks(name, document=True), [], call)
        return found.document.fields

    def _found(
        self, name: str, call: Call, *, known: Mapping[DocumentKey, Looked] | None = None
    ) -> Read[Found]:
        """Find the link that has *name*."""
        return (yield from self.walked(name, self._places.asks(name), [], call, known=known))

    def walked(
        self,
        name: str,
        asks: Sequence[Ask],
        steps: list[Step],
        call: Call,
        *,
        insist: bool = False,
        known: Mapping[DocumentKey, Looked] | None = None,
    ) -> Read[Found]:
        """Answer the asks of a walk from the documents; yield the fetches it has to wait for.

        Args:
            name: The name, for messages.
            asks: The links, with where each one looks.
            steps: Filled with what each link said.
            call: What the caller wants.
            insist: Take no old "not there" without asking.
            known: Answers that are not asked for again.
        """
        asking, spare, was_spared = walk(name, asks, steps), _Spare(self._documents.stale_wait), False
        told = dict(known or {})
        self._rotations.wake()
        try:
            ask = next(asking)
            while True:
                if (looked := told.get(ask.key)) is None:
                    looked, is_old = yield from self._asked(name, ask, asks, call, spare, insist=insist)
                    was_spared |= is_old
                    if not is_old:
                        told[ask.key] = looked
                ask = asking.send(looked)
        except StopIteration as end:
            found: Found = end.value
            return found
        except SecretSourceError as error:
            failure = error
        if not was_spared:
            raise failure
        # Nobody has it, and a backend that is down was spared: what it said last only helps to find it elsewhere.
        steps.clear()
        return (yield from self.walked(name, asks, steps, call, insist=True, known=told))

    def _asked(
        self, name: str, ask: Ask, asks: Sequence[Ask], call: Call, spare: _Spare, *, insist: bool
    ) -> Read[tuple[Looked, bool]]:
        """Return what one link says, and whether that is an old "not there" or an old failure, to spare its backend."""
        lifetime = self._lifetime.of(ask.link, self._places.ttl_of(name))
        part = part_for(ask, asks, call.deadline)
        while True:
            answer = self._documents.look(ask, lifetime, part, call, spare=spare.seconds, insist=insist)
            if isinstance(answer, Looked):
                looked = self._documents.settle(ask, lifetime, answer, refresh=call.refresh)
                return looked, looked is answer and looked.cached and _is_no_answer(looked, ask)
            looked = yield answer
            spare.spend(answer)
            if part.expired or not _is_of_others(answer, looked, call):
                return self._documents.settle(ask, lifetime, looked, refresh=call.refresh), False

    def replaced(self, secret: Secret, call: Call) -> Read[Secret]:
        """Read the name of a secret that was refused: another version of it, if there is one."""
        before = self._documents.next_number()
        hit = self._hit(secret.name)
        current = None if hit is None else self._secret_of(secret.name, hit)
        if hit is None or current is None:
            found = yield from self._found(secret.name, call)
            current, number = self._keep(secret.name, found, call), _number(found.looked)
        else:
            number = hit.number
        if not are_same(current, secret):
            return current
        if number > before:
            for ask in self._places.asks(secret.name):
                if ask.link.name == secret.source:
                    self._documents.refusals.came_back(ask.key, number, self._clock())
            return current
        name_ttl = self._places.ttl_of(secret.name)
        for ask in self._places.asks(secret.name):
            if ask.link.name == secret.source:
                looked = yield from self._renewed(ask, number, self._lifetime.of(ask.link, name_ttl), call)
                if looked is None:
                    break
                found = yield from self._found(secret.name, call, known={ask.key: looked})
                newer = self._keep(secret.name, found, call)
                if is_local(ask.link.resolver) and not are_same(newer, secret):
                    self._documents.refusals.forget(ask.key)
                return newer
        return (yield from self.secret(secret.name, call))

    def pauses(self, refused: Secret, wait: float) -> Iterator[float]:
        """Yield the seconds of one pause after the other, while a caller whose secret was refused waits for another.

        Args:
            refused: What `replaced` returns again and again.
            wait: Seconds from the first refusal of it, and at most those of this caller.
        """
        keys = [ask.key for ask in self._places.asks(refused.name) if ask.link.name == refused.source]
        end = time.perf_counter() + wait
        while keys:
            left = self._documents.refusals.left(keys[0], wait, self._clock())
            if (left := min(left, end - time.perf_counter())) <= 0:
                return
            yield min(left, _LOOK_AGAIN)

    def _renewed(self, ask: Ask, number: int, lifetime: Lifetime, call: Call) -> Read[Looked | None]:
        while True:
            renewal = self._documents.renew(ask, number, lifetime, call)
            if not isinstance(renewal, Pending):
                return renewal
            looked = yield renewal
            if call.deadline.expired or not _is_of_others(renewal, looked, call):
                return looked

    # What a read leaves behind

    def _hit(self, name: str) -> Hit | None:
        """Return the direct entry of *name*, if there is one and it holds still."""
        try:
            hit = self._cache.hits.get(name)
        except TypeError:  # unhashable: the grammar says so, further on
            return None
        if hit is None or self._clock() >= hit.until:
            return None
        hit.used = True
        return hit

    def _secret_of(self, name: str, hit: Hit) -> Secret | None:
        """Return the secret that a direct entry stands for; `None` if its answer is gone meanwhile."""
        if hit.secret is None and (origin := self._origin(name, hit)) is not None:
            ask, entry = origin
            hit.secret = self._secret(name, ask, entry, stale=False)
        return hit.secret

    def _origin(self, name: str, hit: Hit) -> tuple[Ask, Entry] | None:
        """Return the answer that a direct entry is from, and what was asked for it; `None` if it is gone."""
        for ask in self._places.asks(name):
            entry = self._cache.peek(ask.key)
            if entry is not None and entry.number == hit.number:
                return ask, entry
        return None

    def _keep(self, name: str, found: Found, call: Call) -> Secret:
        """Make the secret, and the direct entry for the next reader, if it would have got the same."""
        entry = found.looked.entry
        assert entry is not None, "a document is kept"  # noqa: S101
        stale = any(looked.stale for _, looked in found.rests_on)
        secret = self._secret(name, found.ask, entry, stale=stale)
        if not (stale and call.hasty):
            self._cache.link(
                name,
                entry,
                secret.masked_value,
                self._look_over_at(name, found),
                secret=secret if stale else None,
                rests_on=[kept for each, looked in found.rests_on for kept in _kept(each, looked)],
            )
        self._rotations.saw(
            found.ask, secret, entry, {ask.key: _number(looked) for ask, looked in found.rests_on}
        )
        return secret

    def _secret(self, name: str, ask: Ask, entry: Entry, *, stale: bool) -> Secret:
        return secret_from(name, ask, entry, stale=stale, clock=self._clock)

    def _look_over_at(self, name: str, found: Found) -> float:
        """Return until when readers need not look again, since nothing is due before."""
        now, name_ttl = self._clock(), self._places.ttl_of(name)
        until = self._next_look_over(now)
        for ask, looked in found.rests_on:
            entry, lifetime = looked.entry, self._lifetime.of(ask.link, name_ttl)
            assert entry is not None, "what a walk rests on is an answer"  # noqa: S101
            due = lifetime.refresh_at(entry, ask.location)
            if looked.stale or (due <= now and lifetime.ahead):
                end = lifetime.served_until if looked.stale else lifetime.fresh_until
                due = min(now + _LOOK_OVER_SOON, end(entry, ask.location))
            until = min(until, due)
        return min(until, now + self._lifetime.negative_ttl) if found.passed_over else until

    def _next_look_over(self, now: float) -> float:
        """Return when all direct entries are looked over next: one moment for all, so one number in memory."""
        at = self._look_over_next
        if not now < at <= now + _LOOK_OVER:
            at = self._look_over_next = now + _LOOK_OVER
        return at

    def tell_of(self, name: str) -> None:
        """Let the rotations know what readers of *name* have now, if that is known without asking."""
        hit = self._cache.hits.get(name)
        origin = None if hit is None else self._origin(name, hit)
        if hit is not None and origin is not None and (secret := self._secret_of(name, hit)) is not None:
            ask, entry = origin
            self._rotations.saw(ask, secret, entry, {ask.key: hit.number})

    # Several names at once

    def many(self, names: Sequence[str], call: Call) -> Generator[Round[Found], Results, dict[str, Secret]]:
        """Read several names side by side; in a second round those of which another name showed a newer version.

        Raises:
            SecretSourceError: The first name that has no value; the others are in its notes.
        """
        if not call.refresh and (hits := self._hits(names)) is not None:
            return hits
        founds: Results = {}
        late, known, asked = list(names), dict[DocumentKey, Looked](), call
        while late:
            batch = self._documents.batch()
            asked = Call(call.deadline, refresh=asked.refresh, hasty=call.hasty, batch=batch)
            founds |= yield {name: self._found(name, asked, known=known) for name in late}, batch.depart
            asked = Call(call.deadline, hasty=call.hasty)
            late, known = self._outdated(founds)
        return _all_or_raise(
            {
                name: found if isinstance(found, SecretSourceError) else self._keep(name, found, call)
                for name, found in ((name, founds[name]) for name in names)
            }
        )

    def _hits(self, names: Sequence[str]) -> dict[str, Secret] | None:
        """Return the secrets of several names if each has a direct entry, and no document is there in two versions."""
        hits = {name: hit for name in names if (hit := self._hit(name)) is not None}
        if len(hits) < len(set(names)):
            return None
        secrets = {
            name: secret for name in names if (secret := self._secret_of(name, hits[name])) is not None
        }
        # A new version takes the direct entries of the old one away before it gets any of its own.
        is_changed = any(self._cache.hits.get(name) is not hit for name, hit in hits.items())
        return None if is_changed or len(secrets) < len(hits) else secrets

    def _outdated(self, results: Results) -> tuple[list[str], dict[DocumentKey, Looked]]:
        """Return which names were found in an older version of a document than others were, and the newest ones.

        A refresh may end between two names of one call. The newest version is as fresh as any, so all can have it.
        """
        newest: dict[DocumentKey, Looked] = {}
        for key, looked in _rested_on(results.values()):
            if key not in newest or _number(newest[key]) < _number(looked):
                newest[key] = looked
        late = [
            name
            for name, result in results.items()
            if any(_number(newest[key]) > _number(looked) for key, looked in _rested_on([result]))
        ]
        return late, newest


def _is_of_others(pending: Pending, looked: Looked, call: Call) -> bool:
    """Whether a fetch came to nothing because of somebody else: one who was interrupted, or had less time."""
    if pending.flight.is_stray:
        return True
    was_hasty = pending.flight.answer is not None and pending.flight.hasty
    return was_hasty and not call.hasty and is_late(looked.answer)


def _is_no_answer(looked: Looked, ask: Ask) -> bool:
    if isinstance(looked.answer, SecretSourceError):
        return True
    return looked.stale and not has(looked.answer, ask.location)


def _all_or_raise(results: Mapping[str, Secret | SecretSourceError]) -> dict[str, Secret]:
    failures = [result for result in results.values() if isinstance(result, SecretSourceError)]
    for other in failures[1:]:
        failures[0].add_note(f"also: {other}")
    if failures:
        raise failures[0]
    return {name: result for name, result in results.items() if not isinstance(result, SecretSourceError)}


def _kept(ask: Ask, looked: Looked) -> list[tuple[DocumentKey, Entry]]:
    """Return the entry of an answer that must be in the cache still for a direct entry to rest on it."""
    entry = looked.entry
    gone = entry is None or (not entry.is_there and is_local(ask.link.resolver))
    return [] if entry is None or gone else [(ask.key, entry)]


def _rested_on(results: Iterable[Found | SecretSourceError]) -> list[tuple[DocumentKey, Looked]]:
    return [
        (ask.key, looked)
        for result in results
        if not isinstance(result, SecretSourceError)
        for ask, looked in result.rests_on
    ]


def _number(looked: Looked) -> int:
    return 0 if looked.entry is None else looked.entry.number
