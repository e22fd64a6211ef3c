"""How one document is read: from the cache, else by one fetch that everybody shares."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING

from secretsource._cache import Cache, DocumentKey, Entry
from secretsource._chain import Ask, Looked
from secretsource._clock import Clock
from secretsource._deadline import Deadline
from secretsource._flight import Flights, Workers
from secretsource._lifetime import Lifetime
from secretsource._secret import Document, NotThere
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    DeadlineExceeded,
    InvalidResponse,
    Reason,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
    is_ctrl_c,
)
from secretsource.resolvers import is_local

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Documents", "key_of"]


class Documents:
    """Answers the asks of a walk."""

    def __init__(self, cache: Cache, workers: Workers, clock: Clock) -> None:
        """Read through *cache*, fetch on *workers*, and measure ages on *clock*."""
        self._cache = cache
        self._flights = Flights[Looked](
            workers, grounded=Looked(answer=BackendUnavailable("no thread can be started to ask"))
        )
        self._clock = clock

    def look(
        self, ask: Ask, lifetime: Lifetime, deadline: Deadline, *, refresh: bool
    ) -> Looked | Future[Looked]:
        """Return what the cache has, or the future of a fetch; local resolvers are asked at once, in this thread."""
        key = key_of(ask)
        if not refresh:
            entry = self._cache.get(key)
            if entry is not None and self._clock() < lifetime.fresh_until(entry, ask.location):
                return Looked(answer=entry.answer, entry=entry, cached=True)
        fetch = partial(self._fetch, ask, key)
        if is_local(ask.link.resolver):
            return fetch(deadline, self._flights.next_number())
        if deadline.expired:
            return Looked(answer=DeadlineExceeded("the deadline was over before this link was asked"))
        return self._flights.join(key, fetch, deadline, fresh=refresh)

    def settle(self, ask: Ask, lifetime: Lifetime, looked: Looked, *, refresh: bool) -> Looked:
        """Put the last good value in the place of an outage, while it may still be served."""
        if refresh or not _may_serve_stale(looked.answer):
            return looked
        entry, now = self._cache.get(key_of(ask)), self._clock()
        if entry is None or entry.distrusted or not isinstance(entry.answer, Document):
            return looked
        if now >= lifetime.served_until(entry):
            return looked
        return Looked(
            answer=entry.answer,
            entry=entry,
            seconds=looked.seconds,
            cached=True,
            stale=now >= lifetime.fresh_until(entry, ask.location),  # not if another fetch was luckier
            outage=looked.answer if isinstance(looked.answer, SecretSourceError) else None,
        )

    def forget(self, asks: list[Ask] | None = None) -> None:
        """Forget what *asks* were answered, or everything; also what is being fetched for them now."""
        keys = None if asks is None else [key_of(ask) for ask in asks]
        self._flights.disown(keys)
        number = self._flights.next_number()
        if keys is None:
            self._cache.clear(number)
        for key in keys or ():
            self._cache.drop(key, number)

    def _fetch(self, ask: Ask, key: DocumentKey, deadline: Deadline, number: int) -> Looked:
        asked_at, started = self._clock(), time.perf_counter()
        answer = _ask(ask, deadline)
        seconds = time.perf_counter() - started
        if isinstance(answer, SecretSourceError):
            if isinstance(answer, AccessDenied):
                self._cache.drop(key, number)
            elif isinstance(answer, ResolverError) and answer.reason is Reason.TLS:
                self._cache.distrust(key)
            return Looked(answer=answer, seconds=seconds)
        entry = Entry(key, answer, fetched_at=asked_at, number=number)
        self._cache.put(entry)
        return Looked(answer=answer, entry=entry, seconds=seconds)


def key_of(ask: Ask) -> DocumentKey:
    """Return the key of the document that holds the answer to *ask*."""
    location = ask.location
    return DocumentKey(ask.link.name, location.address, location.version, location.stage)


def _may_serve_stale(answer: object) -> bool:
    return isinstance(answer, BackendUnavailable | InvalidResponse) and answer.reason is not Reason.TLS


def _ask(ask: Ask, deadline: Deadline) -> Document | NotThere | SecretSourceError:
    """Ask the resolver; whatever it does, return an answer or an error that leads to none of its frames."""
    if deadline.expired and not is_local(ask.link.resolver):
        return DeadlineExceeded("no worker was free before the deadline")
    try:
        answer = ask.link.resolver.fetch(ask.location, deadline)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        return _detached(error)
    if answer is None:
        return NotThere()
    if isinstance(answer, Document | NotThere):
        return answer
    return ResolverError(f"the resolver returned {type(answer).__name__}, which is no Document")


def _detached(error: BaseException) -> NotThere | SecretSourceError:
    """Return what a resolver raised as a value that leads to none of its frames."""
    if isinstance(error, SecretNotFound):
        return NotThere()
    with contextlib.suppress(Exception):  # a third party's own kind may not be made as ours are
        if isinstance(error, ResolverError):
            return error.copy()
        if isinstance(error, SecretSourceError):
            return type(error)(*error.args)
    raised = f"the resolver raised {type(error).__name__}"
    kinds = (AccessDenied, DeadlineExceeded, BackendUnavailable, InvalidResponse)
    return next((kind(raised) for kind in kinds if isinstance(error, kind)), ResolverError(raised))
