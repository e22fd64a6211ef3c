"""Checking a store: who each backend takes us for, what comes of each name, and what is missing; never a value."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from secrets import token_hex

import pytest

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    Check,
    ConfigError,
    Deadline,
    DeadlineExceeded,
    Document,
    InvalidReference,
    Link,
    LinkCheck,
    Location,
    NameCheck,
    NotThere,
    Reason,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
    Store,
    configure,
)
from secretsource._places import NameSettings
from secretsource.errors import resolver_error
from secretsource.resolvers import Health
from secretsource.testing import MemoryResolver
from tests.fakes import BatchResolver, FakeResolver, Gate, eventually, run_script


class Checked(FakeResolver):
    """One whose `check` does what a test says, and which may tell a policy."""

    def __init__(self, name: str = "fake", says_of_itself: object = None) -> None:
        super().__init__(name)
        self.says_of_itself = Health() if says_of_itself is None else says_of_itself
        self.asked_for_policy: list[list[str]] = []

    def check(self, deadline: Deadline) -> Health:
        said = self.says_of_itself
        if isinstance(said, BaseException) or (isinstance(said, type) and issubclass(said, BaseException)):
            raise said
        return said(Location(address=""), deadline) if callable(said) else said  # type: ignore[return-value]

    def policy_for(self, locations: Sequence[Location]) -> str:
        self.asked_for_policy.append([location.address for location in locations])
        return "allow"


def link_of(store: Store, link: str) -> LinkCheck:
    return {each.link: each for each in store.check(()).links}[link]


def one(check: Check) -> NameCheck:
    (name,) = check.names
    return name


class TestLinks:
    def test_each_link_tells_who_the_backend_takes_us_for(self) -> None:
        first, second = MemoryResolver(name="first"), MemoryResolver(name="second")
        second.health = Health(identity="somebody", expires_in=60, detail="version 7")
        found = Store([first, second]).check(())
        assert [("first", "first"), ("second", "somebody")] == [
            (link.link, link.health.identity) for link in found.links if link.health is not None
        ]
        assert ((), ()) == (found.names, found.errors)

    def test_one_that_has_no_check_has_neither_health_nor_error(self) -> None:
        link = link_of(Store([FakeResolver()]), "fake")
        assert (None, None, 0.0) == (link.health, link.error, link.seconds)

    def test_one_that_hangs_keeps_nobody_back_and_is_told_in_time(self) -> None:
        hangs, other = MemoryResolver(name="hangs"), MemoryResolver({"a": "x"}, name="other")
        store = Store([other, hangs])
        with hangs.held():
            started = time.monotonic()
            found = store.check(["a"], timeout=0.3)
            took = time.monotonic() - started
        assert took < 0.3 + 0.5
        assert [True, False] == [link.health is not None for link in found.links]
        assert isinstance(found.links[1].error, DeadlineExceeded)
        assert one(found).is_good

    def test_all_are_asked_at_the_same_time(self) -> None:
        barrier = threading.Barrier(3)

        def meet(location: Location, deadline: Deadline) -> Health:
            barrier.wait(5)
            return Health()

        store = Store([Checked(name, meet) for name in ("one", "two", "three")], max_concurrency=1)
        assert () == store.check((), timeout=5).errors

    def test_checks_that_hang_take_no_thread_from_the_names(self) -> None:
        gate = Gate(None)
        resolver = Checked(says_of_itself=gate)
        resolver.says["a"] = Document(value="x")
        found = Store([resolver], max_concurrency=1).check(["a"], timeout=0.3)
        gate.open()
        assert one(found).is_good

    @pytest.mark.parametrize(
        ("said", "kind"),
        [
            (AccessDenied("refused role_id"), AccessDenied),
            (resolver_error(Reason.REFUSED, "127.0.0.1:9"), BackendUnavailable),
            (ConfigError("no address"), ConfigError),
            (KeyError("x"), ResolverError),
            (SystemExit, ResolverError),
            (SecretNotFound("x"), ResolverError),
            ("a text", ResolverError),
            (Health(identity=b"x"), ResolverError),  # type: ignore[arg-type]
            (Health(expires_in="soon"), ResolverError),  # type: ignore[arg-type]
            (Health(expires_in=float("nan")), ResolverError),
        ],
    )
    def test_what_a_check_raises_or_returns_is_that_links_error(
        self, said: object, kind: type[SecretSourceError]
    ) -> None:
        store = Store([MemoryResolver(), Checked(says_of_itself=said)])
        found = store.check(())
        assert [None, kind] == [link.error and type(link.error) for link in found.links]
        assert (found.links[1].error,) == found.errors

    def test_an_error_names_the_link(self) -> None:
        error = link_of(Store([Checked("vault-eu", AccessDenied("no token"))]), "vault-eu").error
        assert "vault-eu: access denied (no token)" == str(error)

    def test_a_local_one_is_asked_in_the_callers_thread(self) -> None:
        threads: list[threading.Thread] = []
        resolver = Checked(
            says_of_itself=lambda location, deadline: threads.append(threading.current_thread()) or Health()
        )
        resolver.local = True
        assert link_of(Store([resolver]), "fake").health is not None
        assert [threading.current_thread()] == threads

    def test_one_outside_the_chain_is_checked_where_a_reference_asks_it(self) -> None:
        other = MemoryResolver({"other://a": "x"}, name="other")
        store = Store([MemoryResolver()], others={"other": lambda: Link(other)})
        assert ["memory"] == [link.link for link in store.check(()).links]
        assert ["memory", "other"] == [link.link for link in store.check(["other://a"]).links]

    def test_where_no_thread_can_be_started_that_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(thread: threading.Thread) -> None:
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            error = link_of(Store([MemoryResolver()]), "memory").error
        assert isinstance(error, BackendUnavailable)
        assert "no thread" in str(error)

    def test_its_thread_ends(self) -> None:
        link_of(Store([MemoryResolver()]), "memory")
        assert eventually(lambda: "secretsource-check" not in {each.name for each in threading.enumerate()})


class TestNames:
    def test_each_has_an_outcome_of_its_own(self) -> None:
        first, second = MemoryResolver({"a/b": "x"}, name="first"), MemoryResolver({"c": "x"}, name="second")
        first.fail(Reason.SEALED, "d")
        found = Store([first, second]).check(["a/b", "c", "d", "e"])
        assert ["a/b", "c", "d", "e"] == [name.name for name in found.names]
        assert ["first", "second", None, None] == [name.found and name.found.link for name in found.names]
        assert [BackendUnavailable, SecretNotFound] == [type(error) for error in found.errors]
        assert (("second", "d"),) == found.names[2].not_asked

    def test_what_was_found_is_told_with_its_version_and_when_that_was_made(self) -> None:
        resolver, created = FakeResolver(), datetime(2026, 1, 2, tzinfo=UTC)
        resolver.says["a"] = Document(value="x", version="7", created=created, lease=60)
        name = one(Store([resolver]).check(["a"]))
        assert name.found is not None
        assert ("a", "7", created, 60) == (name.found.location, name.found.version, name.created, name.lease)

    def test_a_moment_that_is_none_is_left_out(self) -> None:
        resolver = FakeResolver()
        resolver.says["a"] = Document(value="x", created="yesterday")  # type: ignore[arg-type]
        assert None is one(Store([resolver]).check(["a"])).created

    def test_they_are_asked_for_anew_whatever_is_cached(self) -> None:
        memory = MemoryResolver({"a": "x"})
        store = Store([memory])
        store.get("a")
        memory.deny()
        assert isinstance(one(store.check(["a"])).error, AccessDenied)

    def test_they_travel_together_where_the_resolver_can(self) -> None:
        batches = BatchResolver()
        batches.says |= {"a": Document(value="x"), "c": AccessDenied()}
        found = Store([batches]).check(["a", "b", "c"])
        assert [["a", "b", "c"]] == batches.batches
        assert [True, False, False] == [name.is_good for name in found.names]

    def test_fields_of_one_document_are_asked_for_once(self) -> None:
        memory = MemoryResolver({"db": {"user": "u", "password": "p"}})
        assert () == Store([memory]).check(["db/user", "db/password"]).errors
        assert ["db"] == memory.calls

    def test_those_of_the_configuration_are_meant_where_none_is_given(self) -> None:
        store = Store([MemoryResolver({"a": "x"})], names={"a": NameSettings(), "b": NameSettings()})
        assert [("a", True), ("b", False)] == [(name.name, name.is_good) for name in store.check().names]

    def test_one_that_is_not_required_may_be_not_there_and_may_not_be_denied(self) -> None:
        memory = MemoryResolver()
        store = Store([memory], names={"a": NameSettings(required=False)})
        found = store.check()
        assert (True, SecretNotFound, ()) == (one(found).is_good, type(one(found).error), found.errors)
        memory.deny()
        assert [AccessDenied, AccessDenied] == [type(error) for error in store.check().errors]

    def test_one_that_is_given_is_required(self) -> None:
        store = Store([MemoryResolver()], names={"a": NameSettings(required=False)})
        assert [SecretNotFound] == [type(error) for error in store.check(["a"]).errors]

    def test_the_configuration_says_what_is_required(self) -> None:
        secrets = {"a": {"required": False}, "b": {}}
        with configure(chain=[MemoryResolver()], secrets=secrets) as store:
            assert [("a", False), ("b", True)] == [(name.name, name.required) for name in store.check().names]

    @pytest.mark.parametrize("names", [["a", "a//b"], "a", ["nobody://a"]])
    def test_a_wrong_name_is_refused_before_anybody_is_asked(self, names: object) -> None:
        memory = MemoryResolver({"a": "x"})
        with pytest.raises(InvalidReference):
            Store([memory]).check(names)  # type: ignore[arg-type]
        assert [] == memory.calls

    def test_a_link_that_cannot_be_built_is_the_error_of_the_name_that_asks_it(self) -> None:
        def broken() -> Link:
            raise ConfigError("no address")

        store = Store([MemoryResolver({"a": "x"})], others={"other": broken})
        found = store.check(["other://b", "a"])
        assert [ConfigError, None] == [name.error and type(name.error) for name in found.names]

    def test_a_time_that_is_none_is_refused(self) -> None:
        with pytest.raises(ValueError, match="timeout"):
            Store([]).check(timeout=-1)

    def test_a_coroutine_is_woken_as_soon_as_all_is_told(self) -> None:
        memory = MemoryResolver()
        memory.delay = 0.1
        started = time.monotonic()
        assert () == asyncio.run(Store([memory]).acheck((), timeout=20)).errors
        assert time.monotonic() - started < 10

    def test_in_coroutines_it_is_the_same_and_the_event_loop_goes_on(self) -> None:
        memory = MemoryResolver({"a": "x"})

        async def both() -> tuple[Check, int]:
            beats = 0
            task = asyncio.ensure_future(Store([memory]).acheck(["a", "b"], timeout=0.3))
            while not task.done():
                await asyncio.sleep(0.01)
                beats += 1
            return await task, beats

        with memory.held():
            found, beats = asyncio.run(both())
        assert [DeadlineExceeded] * 3 == [type(error) for error in found.errors]
        assert beats > 10


class TestPolicies:
    def test_it_is_for_exactly_what_the_link_denied(self) -> None:
        memory = MemoryResolver({"a": "x", "b/c": "x", "b/d": "x", "e": "x"})
        memory.deny("b/c")
        memory.fail(Reason.SEALED, "e")
        link = Store([memory]).check(["a", "b/c", "b/d", "e", "f"]).links[0]
        assert ("allow reading b\n", ("b/c", "b/d")) == (link.policy, link.policy_names)

    def test_each_link_has_its_own(self) -> None:
        first, second = MemoryResolver(name="first"), MemoryResolver({"a": "x"}, name="second")
        first.deny("b")
        second.deny("a")
        links = Store([first, second]).check(["a", "b"]).links
        assert ["allow reading b\n", "allow reading a\n"] == [link.policy for link in links]

    def test_none_is_told_where_the_value_is_found_elsewhere(self) -> None:
        first, second = MemoryResolver(name="first"), MemoryResolver({"a": "x"}, name="second")
        first.deny("a")
        found = Store([Link(first, on_denied="next"), second]).check(["a"])
        assert ((), "", ()) == (found.errors, found.links[0].policy, found.links[0].policy_names)

    def test_a_denial_that_was_passed_over_and_decided_has_one(self) -> None:
        first = MemoryResolver(name="first")
        first.deny("a")
        found = Store([Link(first, on_denied="next"), MemoryResolver()]).check(["a"])
        assert "allow reading a\n" == found.links[0].policy

    def test_what_may_be_hidden_has_one_unless_it_may_be_not_there(self) -> None:
        resolver = Checked()
        resolver.says["a"] = resolver.says["b"] = NotThere(
            detail="missing, or not visible to 'host/x'", may_be_hidden=True
        )
        names = {"a": NameSettings(), "b": NameSettings(required=False), "c": NameSettings()}
        link = Store([resolver], names=names).check().links[0]
        assert ("allow", ("a",)) == (link.policy, link.policy_names)
        assert [["a"]] == resolver.asked_for_policy

    def test_what_may_be_hidden_has_none_where_another_link_decided(self) -> None:
        resolver, down = Checked(), MemoryResolver()
        resolver.says["a"] = NotThere(detail="missing, or not visible to 'host/x'", may_be_hidden=True)
        down.fail(Reason.SEALED)
        assert "" == Store([resolver, down]).check(["a"]).links[0].policy

    def test_a_refused_login_is_mended_by_none(self) -> None:
        resolver = Checked(says_of_itself=AccessDenied("refused role_id or secret_id"))
        resolver.says["a"] = AccessDenied("refused role_id or secret_id")
        link = Store([resolver]).check(["a"]).links[0]
        assert ("", ()) == (link.policy, link.policy_names)

    def test_a_login_that_may_not_be_looked_up_does_not_hide_what_the_names_need(self) -> None:
        resolver = Checked(says_of_itself=AccessDenied("may not look itself up"))
        resolver.says["a"] = AccessDenied("needs read")
        assert "allow" == Store([resolver]).check(["a"]).links[0].policy

    def test_a_resolver_that_cannot_tell_one_leaves_it_empty(self) -> None:
        class Raises(Checked):
            def policy_for(self, locations: Sequence[Location]) -> str:
                raise KeyError(self.name)

        class Nonsense(Checked):
            def policy_for(self, locations: Sequence[Location]) -> str:
                return None  # type: ignore[return-value]

        for resolver in (Raises(), Nonsense(), FakeResolver()):
            resolver.says["a"] = AccessDenied()
            link = Store([resolver]).check(["a"]).links[0]
            assert ("", ("a",)) == (link.policy, link.policy_names)


def test_no_value_is_in_what_is_found_and_it_can_be_pickled() -> None:
    value = token_hex(8)
    memory = MemoryResolver({"a": value, "b/c": value})
    memory.deny("b/c")
    found = Store([memory]).check(["a", "b/c", "d"])
    assert value not in repr(found)
    pickled = pickle.dumps(found)
    assert value.encode() not in pickled
    assert [name.name for name in found.names] == [name.name for name in pickle.loads(pickled).names]


def test_an_error_leads_to_no_frame() -> None:
    memory = MemoryResolver()
    memory.deny()
    for error in Store([memory]).check(["a"]).errors:
        assert (None, None, None) == (error.__traceback__, error.__context__, error.__cause__)


def test_a_child_that_is_forked_in_the_middle_of_a_check_can_check() -> None:
    done = run_script(
        """
import os, signal, threading, warnings
from secretsource import Store
from secretsource.testing import MemoryResolver
warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
memory = MemoryResolver({"a": "x"})
store = Store([memory])
with memory.held() as gate:
    thread = threading.Thread(target=store.check, args=(["a"],))
    thread.start()
    gate.wait_for(2)
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        memory._gate = None
        os._exit(0 if not store.check(["a"], timeout=5).errors else 1)
    print(os.waitpid(pid, 0)[1], flush=True)
thread.join()
"""
    )
    assert ("0\n", "", 0) == (done.stdout, done.stderr, done.returncode)
