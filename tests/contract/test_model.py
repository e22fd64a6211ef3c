"""Random lives of a store, held against the model: reads, rotations, failures, steps of the clock, forks."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from secretsource import Secret, Store
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    InvalidResponse,
    Reason,
    ResolverError,
    SecretNotFound,
)
from secretsource.resolvers import Answer, Deadline, Document, Location
from secretsource.testing._contract.forked import Child
from tests.contract.model import MAX_STALE, NEGATIVE_TTL, TTL, Known, Result, Said, allowed_at, walked
from tests.fakes import FakeClock, FakeResolver, eventually, outcome

T = TypeVar("T")

DOCUMENTS = ("d0", "d1")
FIELDS = ("x", "y")
NAMES = tuple(f"{document}/{field}" for document in DOCUMENTS for field in FIELDS)
REMOTE = ("one", "two")
STALE_WAIT = 0.1  # seconds of the real clock

documents = st.sampled_from(["d0", "d0", "d0", "d1"])  # most of a life is about one of them
names = st.sampled_from(["d0/x", "d0/x", "d0/x", "d0/y", "d0/y", "d1/x"])
remote = st.sampled_from(["one", "one", "two"])
looks = st.sampled_from([True, True, False])  # whether somebody reads right after
kinds = st.sampled_from(["denied", "denied", "down", "down", "down", "tls", "tls", "broken", "odd", "hang"])
spans = st.sampled_from([0.5, 1.0, 4.0, 5.0, 20.0, 60.0, 89.0, 100.0, 120.0, 301.0])


class Scripted(FakeResolver):
    """A backend of documents that tells the model what it was asked and what it said."""

    def __init__(self, name: str, clock: FakeClock, log: list[Said]) -> None:
        super().__init__(name, fields=True)
        self.clock, self.log = clock, log
        self.holds: dict[str, Document | None] = {}
        self.prolongs = True
        self.fails: str | None = None
        self.is_slow = False
        self.hold_up = threading.Event()

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        document = self.holds.get(location.address)
        self._say(location.address, document)
        return document

    def renew(self, location: Location, document: Document, deadline: Deadline) -> float | None:
        if not self.prolongs:
            return None
        self._say(location.address, document, prolonged=True)
        return document.lease

    def _say(self, address: str, document: Document | None, *, prolonged: bool = False) -> None:
        fails, is_slow = self.fails, self.is_slow
        if fails is None:
            fields = None if document is None else {key: str(value) for key, value in document.fields.items()}
            lease = None if document is None else document.lease
            said = Said(self.name, address, "found", self.clock.now, fields, lease, prolonged)
        else:
            said = Said(self.name, address, fails, self.clock.now)
        self.log.append(said)
        if fails == "hang" or is_slow:
            self.hold_up.wait(20)
        if fails is None:
            return
        raise {
            "denied": AccessDenied(),
            "down": BackendUnavailable(reason=Reason.REFUSED),
            "hang": BackendUnavailable(reason=Reason.TIMEOUT),
            "tls": BackendUnavailable(reason=Reason.TLS),
            "broken": InvalidResponse(),
            "odd": ValueError(),
        }[fails]


def shown(got: object) -> Result:
    """Return an outcome in the words of the model."""
    kinds: dict[type, Result] = {
        SecretNotFound: ("missing",),
        AccessDenied: ("error", "denied"),
        InvalidResponse: ("error", "broken"),
        BackendUnavailable: ("error", "unavailable"),
        ResolverError: ("error", "odd"),
    }
    if isinstance(got, Secret):
        return ("value", str(got.value), got.stale)
    if isinstance(got, BackendUnavailable) and got.reason is Reason.TLS:
        return ("error", "tls")
    for kind, result in kinds.items():
        if isinstance(got, kind):
            return result
    raise AssertionError(f"no reader may get {got!r}") from (got if isinstance(got, BaseException) else None)


class StoreAgainstModel(RuleBasedStateMachine):
    """One local link and two remote ones."""

    @initialize()
    def begin(self) -> None:
        self.clock, self.log = FakeClock(), list[Said]()
        self.local = FakeResolver("local", local=True)
        self.backends = {name: Scripted(name, self.clock, self.log) for name in REMOTE}
        self.store = Store(
            [self.local, *self.backends.values()],
            ttl=TTL,
            max_stale=MAX_STALE,
            negative_ttl=NEGATIVE_TTL,
            stale_wait=STALE_WAIT,
            timeout=1.0,
            clock=self.clock,
        )
        self.known = {(link, document): Known() for link in REMOTE for document in DOCUMENTS}
        self.local_lives: dict[str, list[tuple[float, str | None]]] = {name: [(0.0, None)] for name in NAMES}
        self.versions = 0
        self.secrets: list[Secret] = []
        for link, document in (("one", "d0"), ("two", "d0"), ("two", "d1")):
            self.rotate(link, document, FIELDS, None, look=True)

    # What happens in the world

    @rule(
        link=remote,
        document=documents,
        fields=st.sampled_from([FIELDS, FIELDS, ("x",)]),
        lease=st.sampled_from([None, 50.0]),
        look=looks,
    )
    def rotate(
        self, link: str, document: str, fields: Iterable[str], lease: float | None, look: bool
    ) -> None:
        self.versions += 1
        version = str(self.versions)
        self.backends[link].fails = None
        self.backends[link].holds[document] = Document(
            fields={field: f"{link}/{document}/{field} v{version}" for field in fields},
            version=version,
            lease=lease,
        )
        self.look(look)

    @rule(link=remote, prolongs=st.booleans())
    def lend_on(self, link: str, prolongs: bool) -> None:
        self.backends[link].prolongs = prolongs

    @rule(link=remote, document=documents, look=looks)
    def delete(self, link: str, document: str, look: bool) -> None:
        self.backends[link].holds[document] = None
        self.look(look)

    @rule(
        link=remote,
        kind=kinds,
        look=looks,
    )
    def fail(self, link: str, kind: str, look: bool) -> None:
        self.backends[link].fails = kind
        self.look(look)

    @rule(name=names, is_set=st.sampled_from([False, False, False, True]))
    def edit(self, name: str, is_set: bool) -> None:
        self.versions += 1
        value = f"local v{self.versions}" if is_set else None
        self.local.says[name] = None if value is None else Document(value=value)
        self.local_lives[name].append((self.clock.now, value))

    @rule(seconds=spans, look=looks)
    def wait(self, seconds: float, look: bool) -> None:
        self.clock.advance(seconds)
        self.look(look)

    @rule(link=remote, seconds=st.sampled_from([45.0, 52.0, 80.0, 100.0, 104.0, 301.0, 404.0]), kind=kinds)
    def fail_later(self, link: str, seconds: float, kind: str) -> None:
        """What most outages look like to a reader who has a value."""
        self.get("d0/x", refresh=False)
        self.clock.advance(seconds)
        self.backends[link].fails = kind
        self.get("d0/x", refresh=False)

    def look(self, is_wanted: bool) -> None:
        if is_wanted:
            self.get("d0/x", refresh=False)

    # What an application does

    @rule(name=names, refresh=st.sampled_from([False, False, False, True]))
    def get(self, name: str, refresh: bool) -> None:
        got, during = self.observed(lambda: self.store.get(name, refresh=refresh))
        self.check(got, self.allowed(name, during, refresh=refresh))
        self.check_calls(during, [name], 2, refresh=refresh)
        self.learn(during)
        if isinstance(got, Secret):
            self.secrets.append(got)

    @rule(some=st.lists(names, min_size=1, max_size=4), refresh=st.sampled_from([False, False, False, True]))
    def get_many(self, some: list[str], refresh: bool) -> None:
        got, during = self.observed(lambda: self.store.get_many(some, refresh=refresh))
        allowed = {name: self.allowed(name, during, refresh=refresh) for name in some}
        if isinstance(got, dict):
            for name, secret in got.items():
                self.check(secret, allowed[name])
            found = {(each.source, name.split("/")[0], each.version) for name, each in got.items()}
            of_documents = [each[:2] for each in found if each[0] != "local"]
            assert len(of_documents) == len(set(of_documents)), "two versions of one document"
        else:
            self.check(got, set().union(*allowed.values()))
        self.check_calls(during, some, 1 + len(some), refresh=refresh)
        self.learn(during)

    @rule(document=documents, refresh=st.sampled_from([False, False, False, True]))
    def get_fields(self, document: str, refresh: bool) -> None:
        got, during = self.observed(lambda: self.store.get_fields(document, refresh=refresh))
        links = [self.allowed_of(link, document, None, during, refresh=refresh) for link in REMOTE]
        allowed = {each[:2] if each[0] == "value" else each for each in walked(links)}
        fields = None if isinstance(got, BaseException) else {key: str(each) for key, each in got.items()}
        result = shown(got) if fields is None else ("value", frozenset(fields.items()))
        assert result in allowed, (result, allowed)
        self.learn(during)

    @rule(which=st.integers(0, 1 << 16))
    def reject(self, which: int) -> None:
        if not self.secrets:
            return
        secret = self.secrets[which % len(self.secrets)]
        got, during = self.observed(lambda: self.store.reject(secret))
        document = secret.name.split("/")[0]
        allowed = self.allowed(secret.name, during)
        if secret.source != "local":
            allowed |= self.allowed(secret.name, during, renewed=(secret.source, document))
        self.check(got, allowed)
        self.check_calls(during, [secret.name], 2, refresh=True)
        self.learn(during)

    @rule(name=st.one_of(st.none(), names))
    def invalidate(self, name: str | None) -> None:
        self.store.invalidate(name)
        for link, document in self.known:
            if name is None or name.startswith(document):
                self.known[link, document] = Known()

    @precondition(lambda self: hasattr(os, "fork"))
    @rule(some=st.lists(names, min_size=1, max_size=3), in_flight=st.booleans())
    def read_in_a_child(self, some: list[str], in_flight: bool) -> None:
        """A child knows what its parent knew, and waits for none of its parent's fetches."""

        def reads() -> str:
            self.slow_down(False)
            for name in some:
                self.get(name, refresh=False)
            self.get_many(list(NAMES), refresh=False)
            return ""

        def forked() -> str:
            if not in_flight:
                return Child(reads).verdict(10)
            flight = threading.Thread(target=lambda: outcome(lambda: self.store.get(some[0], refresh=True)))
            before = len(self.log)
            self.slow_down(True)
            flight.start()
            assert eventually(lambda: len(self.log) > before or not flight.is_alive())
            said = Child(reads).verdict(10)
            self.slow_down(False)
            self.release()
            flight.join(10)
            return said

        said, during = self.observed(forked)
        self.learn(during)
        assert "" == said

    # Against the model

    def observed(self, read: Callable[[], T]) -> tuple[T | BaseException, list[Said]]:
        """Return what *read* gives, and what the backends said until all is quiet again."""
        before, started = len(self.log), time.perf_counter()
        got = outcome(read)
        self.late = time.perf_counter() - started >= 0.9 * STALE_WAIT
        self.release()
        workers = self.store._documents._flights._workers
        assert eventually(lambda: not sum(workers._running.values())), "a fetch does not end"
        for backend in self.backends.values():
            backend.hold_up = threading.Event()
            if self.late and backend.fails == "hang":
                backend.fails = "down"  # one who waited is enough for one life
        return got, self.log[before:]

    def release(self) -> None:
        for backend in self.backends.values():
            backend.hold_up.set()

    def slow_down(self, is_slow: bool) -> None:
        for backend in self.backends.values():
            backend.is_slow = is_slow

    def learn(self, during: list[Said]) -> None:
        for said in during:
            key = said.link, said.address
            self.known[key] = self.known[key].after(said)

    def allowed(
        self, name: str, during: list[Said], *, refresh: bool = False, renewed: tuple[str, str] | None = None
    ) -> set[Result]:
        document, field = name.split("/")
        links = [
            self.allowed_of(link, document, field, during, refresh=refresh or renewed == (link, document))
            for link in REMOTE
        ]
        return walked([self.allowed_locally(name, refresh=refresh), *links])

    def allowed_of(
        self, link: str, document: str, field: str | None, during: list[Said], *, refresh: bool
    ) -> set[Result]:
        said = [each for each in during if (each.link, each.address) == (link, document)]
        return allowed_at(
            self.known[link, document], field, said, self.clock.now, refresh=refresh, late=self.late
        )

    def allowed_locally(self, name: str, *, refresh: bool) -> set[Result]:
        """Return every value that the local link had in the last second, as nobody looks more often."""
        lives, now = self.local_lives[name], self.clock.now
        ends = [until for until, _ in lives[1:]] + [float("inf")]
        values = {value for (_, value), end in zip(lives, ends, strict=True) if end > now - 1 and not refresh}
        values.add(lives[-1][1])
        return {("none", False) if value is None else ("value", value, False) for value in values}

    def check(self, got: object, allowed: set[Result]) -> None:
        assert shown(got) in allowed, (shown(got), allowed)

    def check_calls(self, during: list[Said], some: list[str], most: int, *, refresh: bool) -> None:
        """A value that is young costs no call, and no document costs many."""
        asked = [(each.link, each.address) for each in during]
        for key in set(asked):
            assert asked.count(key) <= most, f"{key} was asked {asked.count(key)} times"
            fields = [name.split("/")[1] for name in some if name.startswith(key[1])]
            young = all(self.known[key].is_young(field, self.clock.now) for field in fields)
            assert refresh or not fields or not young, f"{key} was asked without need"

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()


TestModel = StoreAgainstModel.TestCase
TestModel.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


KINDS = ("denied", "down", "tls", "broken", "odd")


@pytest.mark.parametrize("lease", [None, 50.0])
@pytest.mark.parametrize("seconds", [45.0, 52.0, 89.0, 104.0, 399.0, 404.0])
def test_every_failure_after_every_other(seconds: float, lease: float | None) -> None:
    for first, second in itertools.product(KINDS, KINDS):
        life = StoreAgainstModel()
        life.begin()
        life.rotate("one", "d0", FIELDS, lease, look=False)
        life.get("d0/x", refresh=True)
        life.fail_later("one", seconds, first)
        life.fail("one", second, look=True)
        life.get("d0/x", refresh=True)
        life.wait(20.0, look=True)
        life.get_many(["d0/x", "d0/y"], refresh=False)
        life.fail_later("two", 5.0, "down")
        life.backends["one"].fails = None
        life.delete("one", "d0", look=True)
        life.wait(5.0, look=True)
        life.fail_later("one", 104.0, first)
        life.teardown()
