"""The store: a chain and a cache, which is what an application holds."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, NoReturn, Self, SupportsIndex, TypeVar, overload

from secretsource import _clock
from secretsource._attempts import Attempts, On, check_wait
from secretsource._cache import Cache
from secretsource._call import Call
from secretsource._chain import Link
from secretsource._deadline import Deadline, is_seconds
from secretsource._documents import Documents
from secretsource._drive import arun, arun_rounds, asleep, run, run_rounds
from secretsource._fork import whole_import
from secretsource._lifetime import Lifetime
from secretsource._places import NameSettings, Places, References
from secretsource._reads import Read, Reads
from secretsource._record import Record
from secretsource._reference import check_name, is_reference, shown
from secretsource._resolved import are_same
from secretsource._rotation import Rotations, check_callback
from secretsource._secret import Secret, Value
from secretsource._unset import UNSET, Unset
from secretsource._workers import Workers
from secretsource.errors import (
    ConfigError,
    InvalidReference,
    SecretNotFound,
    SecretSourceError,
    Step,
)
from secretsource.resolvers import Resolver, SupportsClose

if TYPE_CHECKING:
    from types import TracebackType

    from secretsource._check import Checking
    from secretsource._findings import Check

__all__ = ["Explanation", "Store"]

D = TypeVar("D")


class Explanation(Record):
    """What every link said when it was asked for one name. Holds no value.

    Attributes:
        name: The name or reference.
        steps: The links that were asked, in order.
        not_asked: The links behind the one that decided, with where they would have looked.
        error: What a reader would get instead of a value, or `None`.
    """

    name: str
    steps: tuple[Step, ...]
    not_asked: tuple[tuple[str, str], ...] = ()
    error: SecretSourceError | None = None


class Store:
    """An ordered chain of resolvers, with a cache in front of it. Threads, coroutines and forks may share it.

    Args:
        chain: Resolvers, or `Link` objects where one needs a policy of its own; their names must differ.
        ttl: Seconds for which a value is kept, 0 or more.
        max_stale: Seconds past the ttl for which the last good value is served while its backend is down.
        stale_wait: Seconds that a reader waits for a backend at most while there is an old value to serve.
        negative_ttl: Seconds for which "not there" is kept.
        timeout: Seconds for a whole call, if the call does not say otherwise.
        max_entries: How many documents are kept; the least recently used goes first.
        max_concurrency: How many fetches run at once.
        references: ``"anywhere"``, or ``"config"`` to let `get` take names alone.
        names: What the configuration says about single names.
        others: Links outside the chain that references may ask: by name, built when the first one does.
        clock: Returns seconds; ages are measured on it. For tests.

    Raises:
        ConfigError: A setting is out of range, or two resolvers share a name.
    """

    _places_type: type[Places] = Places

    def __init__(
        self,
        chain: Iterable[Resolver | Link],
        *,
        ttl: float = 300.0,
        max_stale: float = 900.0,
        stale_wait: float = 1.0,
        negative_ttl: float = 5.0,
        timeout: float = 10.0,
        max_entries: int = 1024,
        max_concurrency: int = 16,
        references: References = "anywhere",
        names: Mapping[str, NameSettings] | None = None,
        others: Mapping[str, Callable[[], Link]] | None = None,
        clock: _clock.Clock = _clock.now,
    ) -> None:
        for key, number in (
            ("ttl", ttl),
            ("max_stale", max_stale),
            ("stale_wait", stale_wait),
            ("negative_ttl", negative_ttl),
            ("timeout", timeout),
        ):
            if not is_seconds(number):
                raise ConfigError(f"{key} must be 0 seconds or more, not {number!r}")
        for key, count in (("max_entries", max_entries), ("max_concurrency", max_concurrency)):
            if not isinstance(count, int) or count < 1:
                raise ConfigError(f"{key} must be a whole number, at least 1, not {count!r}")
        self._places: Final = self._places_type(
            chain, others=others or {}, names=names or {}, references=references
        )
        self.ttl: Final = ttl
        self.max_stale: Final = max_stale
        self.stale_wait: Final = stale_wait
        self.timeout: Final = timeout
        self._clock: Final = clock
        cache = Cache(max_entries)
        self._hits: Final = cache.hits
        self._rotations: Final = Rotations(_reader_of(self), clock)
        workers = Workers(max_concurrency, self._places.remote())
        self._release_workers: Final = workers.release
        self._documents: Final = Documents(
            cache,
            workers,
            clock,
            stale_wait=stale_wait,
            timeout=timeout,
            landed=self._rotations.landed,
            is_landing_here=self._rotations.is_held_here,
        )
        lifetime = Lifetime(ttl=ttl, max_stale=max_stale, negative_ttl=negative_ttl)
        self._reads: Final = Reads(
            places=self._places,
            lifetime=lifetime,
            cache=cache,
            documents=self._documents,
            rotations=self._rotations,
            clock=clock,
        )

    # Reading

    @overload
    def get(self, name: str, *, refresh: bool = ..., timeout: float | None = ...) -> Secret: ...

    @overload
    def get(
        self, name: str, *, default: D, refresh: bool = ..., timeout: float | None = ...
    ) -> Secret | D: ...

    def get(
        self, name: str, *, default: D | Unset = UNSET, refresh: bool = False, timeout: float | None = None
    ) -> Secret | D:
        """Return the secret of that name, with where it came from, its version and its age.

        Args:
            name: A name such as ``pepipost/api_key``, or a reference such as ``vault://kv/email#api_key``.
            default: Returned if every link said "not there"; never on an error. `None` is a value like any other.
            refresh: Ask the backends, whatever is cached.
            timeout: Seconds for the whole chain; `None` for the store's.

        Raises:
            InvalidReference: The name breaks the grammar; nothing was asked.
            SecretNotFound: Every link looked, and none has it.
            AccessDenied: A link said no.
            BackendUnavailable: A link could not be reached, or was too late (`DeadlineExceeded`).
            InvalidResponse: A link's answer was no answer.
        """
        try:
            hit = self._hits[name]
            if self._clock() < hit.until and not refresh and hit.secret is not None:
                hit.used = True
                return hit.secret
        except (KeyError, TypeError):
            pass  # nothing is cached, or it is no name: told further on
        try:
            return run(self._reads.secret(name, self._call(timeout, refresh=refresh)))
        except SecretNotFound:
            if isinstance(default, Unset):
                raise
            return default

    @overload
    async def aget(self, name: str, *, refresh: bool = ..., timeout: float | None = ...) -> Secret: ...

    @overload
    async def aget(
        self, name: str, *, default: D, refresh: bool = ..., timeout: float | None = ...
    ) -> Secret | D: ...

    async def aget(
        self, name: str, *, default: D | Unset = UNSET, refresh: bool = False, timeout: float | None = None
    ) -> Secret | D:
        """Do what `get` does without blocking the event loop; a cached read never leaves its thread."""
        try:
            hit = self._hits[name]
            if self._clock() < hit.until and not refresh and hit.secret is not None:
                hit.used = True
                return hit.secret
        except (KeyError, TypeError):
            pass  # nothing is cached, or it is no name: told further on
        try:
            return await arun(self._reads.secret(name, self._call(timeout, refresh=refresh)))
        except SecretNotFound:
            if isinstance(default, Unset):
                raise
            return default

    def get_many(
        self, names: Iterable[str], *, refresh: bool = False, timeout: float | None = None
    ) -> dict[str, Secret]:
        """Return the secrets of several names, asking the backends side by side.

        Args:
            names: Names or references; the result is in their order, each once.
            refresh: Ask the backends, whatever is cached.
            timeout: Seconds for all of it; `None` for the store's.

        Raises:
            SecretSourceError: The first name that has no value, as `get` would; the others are named in its notes,
                and what was found is cached.
        """
        return run_rounds(self._reads.many(_checked(names), self._call(timeout, refresh=refresh)))

    async def aget_many(
        self, names: Iterable[str], *, refresh: bool = False, timeout: float | None = None
    ) -> dict[str, Secret]:
        """Do what `get_many` does without blocking the event loop."""
        rounds = self._reads.many(_checked(names), self._call(timeout, refresh=refresh))
        return await arun_rounds(rounds)

    def get_fields(
        self, name: str, *, refresh: bool = False, timeout: float | None = None
    ) -> Mapping[str, Value]:
        """Return every field of a whole document, such as ``db/primary``, all of one version.

        Where a backend has no documents (env, dotenv, files, Conjur), the names below that path are gathered in one
        round, and no version joins them.

        Args:
            name: The path of the document, or a reference without a field.
            refresh: Ask the backends, whatever is cached.
            timeout: Seconds for the whole chain; `None` for the store's.

        Raises:
            SecretSourceError: As `get`.
        """
        return run(self._reads.fields(name, self._call(timeout, refresh=refresh)))

    async def aget_fields(
        self, name: str, *, refresh: bool = False, timeout: float | None = None
    ) -> Mapping[str, Value]:
        """Do what `get_fields` does without blocking the event loop."""
        return await arun(self._reads.fields(name, self._call(timeout, refresh=refresh)))

    def locate(self, name: str) -> dict[str, str]:
        """Return where each link of the chain would look for *name*, by the link's name; no I/O.

        Raises:
            InvalidReference: The name breaks the grammar, or is placed where its resolver cannot hold it.
        """
        return {ask.link.name: str(ask.location) for ask in self._places.asks(name)}

    def explain(self, name: str, *, timeout: float | None = None) -> Explanation:
        """Ask the chain for *name* anew and tell what each link said and how long it took; never a value.

        Args:
            name: A name or a reference.
            timeout: Seconds for the whole chain; `None` for the store's.

        Raises:
            InvalidReference: The name breaks the grammar.
            ResolverError: A resolver cannot even say where it looks.
        """
        asks = self._places.asks(name)
        steps: list[Step] = []
        error: SecretSourceError | None = None
        call = self._call(timeout, refresh=True)
        try:
            run(self._reads.walked(name, asks, steps, call))
        except SecretSourceError as caught:
            error = caught.with_traceback(None)  # its frames hold what the links answered
        not_asked = tuple((ask.link.name, str(ask.location)) for ask in asks[len(steps) :])
        return Explanation(name=name, steps=tuple(steps), not_asked=not_asked, error=error)

    def check(self, names: Iterable[str] | None = None, *, timeout: float | None = None) -> Check:
        """Ask every link who its backend takes us for, and the chain for names anew, all at the same time; no value.

        A link that hangs keeps nobody else back. What a link has denied comes with the smallest policy that would allow
        it, where its resolver can tell. A read may have an effect: each one of dynamic credentials makes new ones.

        Args:
            names: Names or references, which are required then; none for the links alone; `None` for those that the
                configuration tells of.
            timeout: Seconds for all of it; `None` for the store's.

        Raises:
            InvalidReference: A name breaks the grammar; nothing was asked.
        """
        return run_rounds(self._check(names, timeout))

    async def acheck(self, names: Iterable[str] | None = None, *, timeout: float | None = None) -> Check:
        """Do what `check` does without blocking the event loop."""
        return await arun_rounds(self._check(names, timeout))

    def _check(self, names: Iterable[str] | None, timeout: float | None) -> Checking:
        with whole_import():
            from secretsource._check import checked  # noqa: PLC0415 - programs that only read do not need it

        wanted = self._places.names() if names is None else dict.fromkeys(_checked(names), True)
        call = self._call(timeout, refresh=True)
        return checked(wanted, call, places=self._places, reads=self._reads, documents=self._documents)

    # Rotation

    def reject(self, secret: Secret, *, wait: float = 0.0, timeout: float | None = None) -> Secret:
        """Say that *secret* was refused, as after a rotation, and return the one to use instead.

        If another version is known already, that one is returned. Else the backend is asked, once for everybody whose
        secret was refused. While it stays the same it is asked again at most after pauses that grow from 0.125 to 5
        seconds, and the same is returned: whether a second try makes sense is seen by its version and value.

        Args:
            secret: What `get` returned.
            wait: Seconds, 0 or more, to wait for another version. A rotation changes a key where it is used and where
                it is kept, one after the other, and what is refused in between is replaced soon. They count from the
                first refusal of this version, so that one that stays wrong holds up nobody later; after a minute anew.
            timeout: Seconds for each read of the whole chain; `None` for the store's.

        Raises:
            TypeError: *secret* is no `Secret`, but a value, for example.
            ValueError: *wait* is no number of seconds.
            SecretSourceError: As `get`.
        """
        refused = _a_secret(secret)
        check_wait(wait)
        newer = run(self._reads.replaced(refused, self._call(timeout)))
        for pause in self._reads.pauses(refused, wait) if wait else ():
            if not are_same(newer, refused):
                break
            time.sleep(pause)
            newer = run(self._reads.replaced(refused, self._call(timeout)))
        return newer

    async def areject(self, secret: Secret, *, wait: float = 0.0, timeout: float | None = None) -> Secret:
        """Do what `reject` does without blocking the event loop."""
        refused = _a_secret(secret)
        check_wait(wait)
        newer = await arun(self._reads.replaced(refused, self._call(timeout)))
        for pause in self._reads.pauses(refused, wait) if wait else ():
            if not are_same(newer, refused):
                break
            await asleep(pause)
            newer = await arun(self._reads.replaced(refused, self._call(timeout)))
        return newer

    def attempts(
        self, name: str, *, on: On, wait: float = 0.0, timeout: float | None = None
    ) -> Attempts[Secret]:
        """Return a loop of ``with`` blocks that use a secret, and once more with the newer one if it is refused.

            for attempt in store.attempts("db/primary/password", on=AuthenticationFailed):
                with attempt as secret:
                    connection = connect(password=secret.value)

        In coroutines write ``async for`` and ``async with``.

        Args:
            name: A name or a reference.
            on: The exceptions of a block that mean "refused": a class, a tuple of classes, or a function that is given
                the exception. If there is no other value, the exception is raised as it is.
            wait: Seconds, 0 or more, to wait for another value; see `reject`.
            timeout: Seconds for each read; `None` for the store's.

        Raises:
            TypeError: *on* is none of these.
            ValueError: *wait* is no number of seconds.
        """
        return Attempts(self, name, on=on, wait=wait, timeout=timeout, view=_itself)

    def on_rotation(self, name: str, callback: Callable[[Secret, Secret], object]) -> Callable[[], None]:
        """Call *callback* with the old and the new secret, once after each change of *name*, in order.

        It is called on a thread of the store's own. What it raises is logged, and hurts nobody. The store itself reads
        the name from now on, so that a change is noticed within its ttl also where the application reads seldom. After
        `close` it begins anew with the next read: what that one gets is what later versions are compared with.

        Args:
            name: A name or a reference.
            callback: Takes two secrets; they differ in version, value or source. It is a plain function, and may hand
                them to an event loop with ``loop.call_soon_threadsafe``.

        Returns:
            A function that ends it. So does the end of the store: keep it.

        Raises:
            InvalidReference: The name breaks the grammar.
            TypeError: *callback* cannot be called, or is a coroutine function.
        """
        self._places.asks(name)
        check_callback(callback)
        stop = self._rotations.watch(name, callback)
        self._reads.tell_of(name)
        return stop

    # Forgetting and closing

    def invalidate(self, name: str | None = None) -> None:
        """Forget what is cached for *name*, or everything; the next read asks the backends.

        Raises:
            InvalidReference: The name breaks the grammar.
        """
        if name is None:
            self._documents.forget()
            return
        asks = self._places.asks(name)
        if not is_reference(name):
            with contextlib.suppress(InvalidReference):  # a name that is placed at one key is no document
                asks = asks + self._places.asks(name, document=True)
        self._documents.forget(asks)

    def close(self) -> None:
        """Forget every value, close the connections of all resolvers and end idle threads; a later read begins anew."""
        self._rotations.pause()
        self._documents.forget()
        self._release_workers()
        for link in self._places.links():
            if isinstance(link.resolver, SupportsClose):
                link.resolver.close()

    def __del__(self) -> None:
        """End idle threads of a store that is dropped; also one that could not be made, at an end without modules."""
        release = getattr(self, "_release_workers", None)
        if release is not None:
            release()

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the store itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    @property
    def references(self) -> References:
        """Where references are allowed."""
        return self._places.references

    @property
    def chain(self) -> tuple[Link, ...]:
        """The links in order."""
        return self._places.chain

    def __repr__(self) -> str:
        """Return the names of the chain."""
        return f"Store([{', '.join(link.name for link in self.chain)}])"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse to be pickled: a store holds values and logins.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a Store is not pickled: build one in each process, or use fork")

    def _call(self, timeout: float | None, *, refresh: bool = False) -> Call:
        if timeout is not None and not is_seconds(timeout):
            raise ValueError(f"timeout must be 0 seconds or more, not {timeout!r}")
        seconds = self.timeout if timeout is None else timeout
        return Call(Deadline(seconds), refresh=refresh, hasty=seconds < self.timeout)


def _reader_of(store: Store) -> Callable[[str], Read[Secret]]:
    """Return what begins a read of *store*, and does not keep it alive."""
    known = weakref.ref(store)

    def read(name: str) -> Read[Secret]:
        if (alive := known()) is None:
            raise ReferenceError(name)
        return alive._reads.secret(name, alive._call(None))

    return read


def _checked(names: Iterable[str]) -> list[str]:
    if isinstance(names, str):
        raise InvalidReference(f"pass a list of names, not the single name {shown(names)}")
    wanted = list(names)
    for name in wanted:
        if not is_reference(name):
            check_name(name)
    return wanted


def _a_secret(secret: object) -> Secret:
    if isinstance(secret, Secret):
        return secret
    raise TypeError(f"reject takes the Secret that Store.get returned, not {type(secret).__name__}")


def _itself(secret: Secret) -> Secret:
    return secret
