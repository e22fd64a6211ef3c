"""The store as an application sees it: chains, defaults, explanations, settings; and a model it is held against."""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
import secrets
import threading
import time
from collections.abc import Callable
from secrets import token_hex
from typing import Any

import pytest

from secretsource import _store
from secretsource._chain import Link
from secretsource._masked import MaskedStr
from secretsource._places import NameSettings
from secretsource._secret import Document, NotThere
from secretsource._store import Store
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    DeadlineExceeded,
    InvalidReference,
    InvalidResponse,
    Outcome,
    Reason,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
    resolver_error,
)
from tests.fakes import FakeClock, FakeResolver, Gate, eventually, in_threads


class TestChain:
    def test_a_secret_says_where_it_is_from(self) -> None:
        one, two = FakeResolver("one"), FakeResolver("two")
        two.says["a"] = Document(value="any", version="7", lease=60)
        secret = Store([one, two]).get("a")
        assert ("a", "two", "a", "7", False, 60) == (
            secret.name,
            secret.source,
            secret.location,
            secret.version,
            secret.stale,
            secret.lease,
        )

    def test_a_value_behind_one_that_is_not_there_is_kept_as_long_as_that_is_believed(self) -> None:
        one, two, clock = FakeResolver("one"), FakeResolver("two"), FakeClock()
        two.says["a"] = Document(value="two")
        store = Store([one, two], ttl=100, negative_ttl=5, clock=clock)
        store.get("a")
        one.says["a"] = Document(value="one")
        clock.advance(4.9)
        assert "two" == store.get("a").value
        clock.advance(0.1)
        assert "one" == store.get("a").value
        assert 1 == len(two.calls)

    def test_a_value_is_not_served_when_the_link_in_front_has_learnt_better(self) -> None:
        front, back = FakeResolver("front", fields=True), FakeResolver("back")
        front.says["db"] = Document(fields={"other": "any"})
        back.says["db/password"] = Document(value="back")
        store = Store([front, back], clock=FakeClock())
        assert "back" == store.get("db/password").value
        front.says["db"] = Document(fields={"other": "any", "password": "front"})
        store.get("db/other", refresh=True)
        assert "front" == store.get("db/password").value
        front.says["db"] = AccessDenied()
        with pytest.raises(AccessDenied):
            store.get("db/other", refresh=True)
        with pytest.raises(AccessDenied):
            store.get("db/password")

    def test_a_value_behind_a_link_passed_over_is_kept_for_the_negative_ttl(self) -> None:
        one, two, clock = FakeResolver("one"), FakeResolver("two"), FakeClock()
        one.says["a"], two.says["a"] = BackendUnavailable(), Document(value="two")
        store = Store([Link(one, on_unavailable="next"), two], ttl=100, negative_ttl=5, clock=clock)
        assert "two" == store.get("a").value
        one.says["a"] = Document(value="one")
        clock.advance(4.9)
        assert "two" == store.get("a").value
        clock.advance(0.1)
        assert (
            "two" == store.get("a").value
        )  # nobody waits for one that was down; it is asked in the background
        clock.advance(5)
        assert eventually(lambda: store.get("a").value == "one" or clock.advance(5))

    def test_a_link_passed_over_that_hangs_is_waited_for_once_and_asked_again_where_nobody_else_has_it(
        self,
    ) -> None:
        one, two, clock = FakeResolver("one"), FakeResolver("two"), FakeClock()
        one.says["a"] = one.says["b"] = resolver_error(Reason.TIMEOUT)
        two.says["a"] = Document(value="two")
        store = Store([Link(one, on_unavailable="next"), two], negative_ttl=5, clock=clock)
        for name in "ab":
            with contextlib.suppress(BackendUnavailable):
                store.get(name)
        clock.advance(5)
        gate = Gate(resolver_error(Reason.TIMEOUT))
        one.says["a"] = gate
        started = time.monotonic()
        assert "two" == store.get("a").value
        assert time.monotonic() - started < 1
        gate.open()
        one.says["b"] = None
        assert store.get("b", default=None) is None

    def test_a_link_that_is_down_and_has_a_good_value_serves_it_before_the_next_is_asked(self) -> None:
        one, two, clock = FakeResolver("one"), FakeResolver("two"), FakeClock()
        one.says["a"], two.says["a"] = Document(value="one"), Document(value="two")
        store = Store([Link(one, on_unavailable="next"), two], ttl=100, max_stale=50, clock=clock)
        store.get("a")
        one.says["a"] = BackendUnavailable()
        clock.advance(149)
        assert ("one", True) == (store.get("a").value, store.get("a").stale)
        clock.advance(1)
        assert ("two", False) == (store.get("a").value, store.get("a").stale)

    def test_a_denial_passed_over_by_policy_drops_the_value_all_the_same(self) -> None:
        one, two, clock = FakeResolver("one"), FakeResolver("two"), FakeClock()
        one.says["a"], two.says["a"] = Document(value="one"), Document(value="two")
        store = Store([Link(one, on_denied="next"), two], clock=clock)
        store.get("a")
        one.says["a"] = AccessDenied()
        assert "two" == store.get("a", refresh=True).value
        one.says["a"] = BackendUnavailable()
        clock.advance(10)
        with pytest.raises(BackendUnavailable):
            store.get("a")

    def test_a_refresh_asks_every_link_anew(self) -> None:
        one, two = FakeResolver("one"), FakeResolver("two")
        two.says["a"] = Document(value="two")
        store = Store([one, two])
        store.get("a")
        one.says["a"] = Document(value="one")
        assert "one" == store.get("a", refresh=True).value
        assert "one" == store.get("a").value

    def test_a_reference_asks_its_resolver_alone(self) -> None:
        one, two = FakeResolver("one"), FakeResolver("two")
        one.says["a"], two.says["a"] = Document(value="one"), Document(value="two")
        assert "two" == Store([one, two]).get("two://a").value
        assert [] == one.calls

    def test_a_name_is_looked_for_where_the_configuration_places_it(self) -> None:
        one, two = FakeResolver("one"), FakeResolver("two")
        two.says["else/where"] = Document(fields={"key": "any"})
        placed = NameSettings(references={"two": "two://else/where#key"})
        store = Store([one, two], names={"a": placed}, references="config")
        assert "any" == store.get("a").value
        assert {"one": "a", "two": "else/where#key"} == store.locate("a")


class TestDefault:
    @pytest.mark.parametrize("default", [None, "any", 0, False])
    def test_it_is_returned_when_every_link_says_not_there(self, default: object) -> None:
        store = Store([FakeResolver("one"), FakeResolver("two")])
        assert default is store.get("a", default=default)

    @pytest.mark.parametrize(
        "error",
        [AccessDenied(), BackendUnavailable(), DeadlineExceeded(), InvalidResponse(), ResolverError()],
    )
    def test_it_is_not_returned_on_an_error(self, error: SecretSourceError) -> None:
        one, two = FakeResolver("one"), FakeResolver("two")
        two.says["a"] = error
        with pytest.raises(type(error)):
            Store([one, two]).get("a", default=None)

    def test_it_is_not_returned_when_a_link_was_passed_over(self) -> None:
        one = FakeResolver("one")
        one.says["a"] = BackendUnavailable("down")
        with pytest.raises(BackendUnavailable, match="one at a: server error \\(down\\)"):
            Store([Link(one, on_unavailable="next"), FakeResolver("two")]).get("a", default=None)

    def test_it_is_not_returned_for_a_name_that_is_none(self) -> None:
        with pytest.raises(InvalidReference):
            Store([]).get("not a name", default=None)

    def test_it_is_not_kept(self) -> None:
        store = Store([FakeResolver()])
        assert store.get("a", default=1) == 1
        assert store.get("a", default=2) == 2


class TestFields:
    def test_every_field_comes_in_one_call(self) -> None:
        backend = FakeResolver(fields=True)
        backend.says["db/primary"] = Document(fields={"user": "u", "password": b"\xff"})
        store = Store([backend])
        assert {"user": "u", "password": b"\xff"} == store.get_fields("db/primary")
        assert {"user": "u", "password": b"\xff"} == store.get_fields("db/primary")
        assert 1 == len(backend.calls)

    def test_a_document_without_fields_is_not_there(self) -> None:
        backend = FakeResolver()
        backend.says["db"] = Document(value="any")
        with pytest.raises(SecretNotFound):
            Store([backend]).get_fields("db")

    def test_they_cannot_be_changed(self) -> None:
        backend = FakeResolver()
        backend.says["db"] = Document(fields={"user": "u"})
        fields: Any = Store([backend]).get_fields("db")
        with pytest.raises(TypeError):
            fields["user"] = "other"

    def test_invalidating_the_path_asks_again(self) -> None:
        backend = FakeResolver()
        backend.says["db"] = Document(fields={"user": "u"})
        store = Store([backend])
        store.get_fields("db")
        store.invalidate("db")
        store.get_fields("db")
        assert 2 == len(backend.calls)


class TestExplain:
    def test_it_tells_what_each_link_said_and_which_were_not_asked(self) -> None:
        chain = [FakeResolver(name) for name in ("one", "two", "three")]
        chain[0].says["a"] = NotThere(Reason.DELETED)
        chain[1].says["a"] = Document(value="any", version="7")
        explanation = Store(chain).explain("a")
        assert [
            ("one", "a", Outcome.NOT_THERE, Reason.DELETED, None, False),
            ("two", "a", Outcome.FOUND, None, "7", False),
        ] == [
            (step.link, step.location, step.outcome, step.reason, step.version, step.cached)
            for step in explanation.steps
        ]
        assert all(step.seconds > 0 for step in explanation.steps)
        assert (("three", "a"),) == explanation.not_asked
        assert explanation.error is None

    def test_it_asks_anew_and_what_it_learns_is_kept(self) -> None:
        backend = FakeResolver()
        backend.says["a"] = Document(value="old")
        store = Store([backend])
        store.get("a")
        backend.says["a"] = Document(value="new")
        store.explain("a")
        assert "new" == store.get("a").value
        assert 2 == len(backend.calls)

    def test_it_tells_the_error_that_a_reader_would_get_and_raises_it_not(self) -> None:
        one, two = FakeResolver("one"), FakeResolver("two")
        one.says["a"] = AccessDenied("no")
        explanation = Store([one, two]).explain("a")
        assert isinstance(explanation.error, AccessDenied)
        assert explanation.error.__traceback__ is None
        assert (("two", "a"),) == explanation.not_asked
        assert isinstance(Store([two]).explain("a").error, SecretNotFound)

    def test_an_outage_is_told_although_a_reader_would_be_served(self) -> None:
        backend = FakeResolver()
        backend.says["a"] = Document(value="any")
        store = Store([backend])
        store.get("a")
        backend.says["a"] = BackendUnavailable()
        assert Outcome.UNAVAILABLE is store.explain("a").steps[0].outcome

    def test_a_hit_that_the_cache_had_is_told_in_the_steps_of_an_error(self) -> None:
        one, two = FakeResolver("one"), FakeResolver("two")
        two.says["a"] = BackendUnavailable()
        store = Store([one, two])
        for cached in (False, True):
            with pytest.raises(BackendUnavailable) as caught:
                store.get("a")
            assert [cached, False] == [step.cached for step in caught.value.steps]

    def test_it_holds_no_value(self) -> None:
        canary = secrets.token_hex(16)
        backend = FakeResolver()
        backend.says["a"] = Document(value=canary, fields={"key": canary})
        explanation = Store([backend]).explain("a")
        assert canary not in repr(explanation)
        assert canary not in str(explanation.steps)

    def test_a_name_that_is_none_is_refused(self) -> None:
        with pytest.raises(InvalidReference):
            Store([FakeResolver()]).explain("../a")


class TestSettings:
    @pytest.mark.parametrize("key", ["ttl", "max_stale", "stale_wait", "negative_ttl", "timeout"])
    @pytest.mark.parametrize("seconds", [-1, -0.001, float("nan"), float("-inf"), "1", None, True])
    def test_what_is_no_time_is_refused(self, key: str, seconds: object) -> None:
        with pytest.raises(ConfigError, match=f"{key} must be 0 seconds or more"):
            Store([], **{key: seconds})

    @pytest.mark.parametrize("key", ["max_entries", "max_concurrency"])
    @pytest.mark.parametrize("count", [0, -1, 2.5, "2", None])
    def test_what_is_no_count_is_refused(self, key: str, count: object) -> None:
        with pytest.raises(ConfigError, match=f"{key} must be a whole number, at least 1"):
            Store([], **{key: count})

    def test_two_resolvers_of_one_name_are_refused(self) -> None:
        with pytest.raises(ConfigError, match="two resolvers are named 'one'"):
            Store([FakeResolver("one"), FakeResolver("one")])

    @pytest.mark.parametrize("timeout", [-1, float("nan"), "1", True])
    def test_what_is_no_timeout_is_refused(self, timeout: Any) -> None:
        with pytest.raises(ValueError, match="timeout must be 0 seconds or more"):
            Store([FakeResolver()]).get("a", timeout=timeout)

    def test_a_ttl_of_zero_asks_each_time_and_an_endless_one_once(self) -> None:
        backend, clock = FakeResolver(), FakeClock()
        backend.says["a"] = Document(value="any")
        store = Store([backend], ttl=0, clock=clock)
        store.get("a")
        store.get("a")
        assert 2 == len(backend.calls)
        store = Store([backend], ttl=float("inf"), clock=clock)
        store.get("a")
        clock.advance(1e12)
        store.get("a")
        assert 3 == len(backend.calls)

    @pytest.mark.parametrize(
        "name", [None, 7, b"a", ["a"], {}, "", "/", "a//b", "a/../b", "ä", "a b", "a\n", "x" * 513]
    )
    def test_what_is_no_name_is_refused_before_anything_is_asked(self, name: Any) -> None:
        backend = FakeResolver()
        store = Store([backend])
        for call in (store.get, store.get_fields, store.explain, lambda name: store.get_many([name])):
            with pytest.raises(InvalidReference):
                call(name)
        assert [] == backend.calls

    def test_a_store_is_not_pickled_and_shows_no_value(self) -> None:
        store = Store([FakeResolver("one"), FakeResolver("two")])
        with pytest.raises(TypeError, match="not pickl"):
            pickle.dumps(store)
        with pytest.raises(TypeError):
            copy.copy(store)
        assert "Store([one, two])" == repr(store)


class _CountingLock:
    def __init__(self) -> None:
        self.taken = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self.taken += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_hit_takes_no_lock_and_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = FakeResolver()
    backend.says["a"] = Document(value="any")
    store = Store([backend])
    store.get("a")
    lock: Any = _CountingLock()
    monkeypatch.setattr(store._reads._cache, "_lock", lock)
    monkeypatch.setattr(store._documents._flights, "_lock", lock)
    monkeypatch.setattr(store._documents._flights._workers, "_lock", lock)
    assert ["any"] * 8 == in_threads(8, lambda: store.get("a").value)
    assert 0 == lock.taken
    store.invalidate("a")
    assert 0 < lock.taken


def test_readers_and_forgetters_together_never_see_a_wrong_value() -> None:
    """Names, documents and direct entries are swapped under the readers' feet; each value must be the name's own."""
    backend = FakeResolver(fields=True)
    names = [f"d{document}/f{field}" for document in range(6) for field in range(2)]
    for document in range(6):
        backend.says[f"d{document}"] = Document(
            fields={f"f{field}": f"d{document}/f{field}" for field in range(2)}
        )
    store = Store([backend], max_entries=3, ttl=1000)

    def work() -> list[str]:
        wrong = []
        for turn in range(60):
            for name in names:
                if turn % 7 == 0:
                    store.invalidate(name if turn % 2 else None)
                value = store.get(name, refresh=turn % 11 == 0).value
                wrong += [value] if value != name else []
        return wrong

    assert [[]] * 4 == in_threads(4, work)
    assert len(store._reads._cache) <= 3
    kept = {entry.number for entry in store._reads._cache._documents.values()}
    assert all(hit.number in kept for hit in store._reads._cache.hits.values())


class TestAfterAFailedVerification:
    """A man in the middle who goes on to drop packets gains nothing."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def verified(self, clock: FakeClock) -> tuple[Store, FakeResolver]:
        backend = FakeResolver()
        backend.says["a"] = Document(value="x")
        store = Store([backend], ttl=300, clock=clock)
        store.get("a")
        clock.advance(400)
        backend.says["a"] = resolver_error(Reason.TLS)
        with pytest.raises(BackendUnavailable):
            store.get("a")
        return store, backend

    def test_an_outage_is_not_answered_from_the_cache(self, verified: tuple[Store, FakeResolver]) -> None:
        store, backend = verified
        backend.says["a"] = resolver_error(Reason.REFUSED)
        with pytest.raises(BackendUnavailable) as caught:
            store.get("a")
        assert Reason.REFUSED is caught.value.reason

    def test_a_good_answer_is_trusted_again(
        self, verified: tuple[Store, FakeResolver], clock: FakeClock
    ) -> None:
        store, backend = verified
        backend.says["a"] = Document(value="y")
        assert "y" == store.get("a").value
        clock.advance(400)
        backend.says["a"] = resolver_error(Reason.REFUSED)
        assert store.get("a").stale


def test_a_masked_value_that_is_given_as_a_name_is_refused_without_being_shown() -> None:
    value = token_hex(8)
    with pytest.raises(InvalidReference, match=r"pass its \.reveal\(\)") as caught:
        Store([FakeResolver()]).get(MaskedStr(value))
    assert value not in str(caught.value)


def test_a_denial_of_a_third_partys_own_kind_is_a_denial() -> None:
    class TheirDenial(AccessDenied):
        def __init__(self, code: int, why: str) -> None:
            super().__init__(f"{why} {code}")

    backend = FakeResolver()
    backend.says["a"] = Document(value="x")
    store = Store([backend])
    store.get("a")
    backend.says["a"] = TheirDenial(7, "no")
    with pytest.raises(AccessDenied, match="raised TheirDenial"):
        store.get("a", refresh=True)
    backend.says["a"] = resolver_error(Reason.REFUSED)
    with pytest.raises(BackendUnavailable):
        store.get("a")


def test_an_explanation_tells_an_empty_value_apart() -> None:
    backend = FakeResolver()
    backend.says["a"] = Document(value="")
    assert ["empty"] == [step.detail for step in Store([backend]).explain("a").steps]


def test_a_name_that_is_placed_at_one_key_can_be_invalidated() -> None:
    backend = FakeResolver("vault", fields=True)
    backend.says["kv/email"] = Document(fields={"key": "any"})
    placed = NameSettings(references={"vault": "vault://kv/email#key"})
    store = Store([backend], names={"pepipost/api_key": placed})
    for calls in (1, 2):
        store.get("pepipost/api_key")
        assert calls == len(backend.calls)
        store.invalidate("pepipost/api_key")


def test_a_store_that_outlives_the_modules_at_the_end_of_the_interpreter_ends_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store([FakeResolver()])
    for name in [each for each in vars(_store) if not each.startswith("__")]:
        monkeypatch.setitem(vars(_store), name, None)  # as the interpreter does
    store.__del__()


def test_one_that_could_not_be_made_too() -> None:
    Store.__new__(Store).__del__()


@pytest.mark.parametrize("end", [lambda stores: [each.close() for each in stores], list.clear])
def test_a_store_that_is_closed_or_dropped_leaves_no_idle_thread(
    end: Callable[[list[Store]], object],
) -> None:
    before = {thread for thread in threading.enumerate() if thread.name == "secretsource-fetch"}
    stores = [Store([FakeResolver()]) for _ in range(20)]
    for store in stores:
        store.get("a", default=None)

    def left() -> set[threading.Thread]:
        return {each for each in threading.enumerate() if each.name == "secretsource-fetch"} - before

    assert left()
    del store
    end(stores)
    assert eventually(lambda: gc.collect() >= 0 and not left(), within=3)


class TestDirectEntries:
    """What a store keeps of a name that was read, so that the next reader does with a look-up."""

    def test_all_are_looked_over_in_one_moment_within_a_minute(self) -> None:
        backend, clock = FakeResolver(), FakeClock()
        for name in "abc":
            backend.says[name] = Document(value=name)
        store = Store([backend], ttl=1000, clock=clock)
        for name in "ab":
            store.get(name)
            clock.advance(30)
        assert (
            store._hits["a"].until is store._hits["b"].until
        )  # a number of its own would be 24 bytes of each
        assert 1060 == store._hits["a"].until
        store.get("c")
        assert 1120 == store._hits["c"].until
        clock.now = 5.0
        store.get("c", refresh=True)
        assert 65 == store._hits["c"].until

    def test_what_is_due_before_that_has_a_moment_of_its_own(self) -> None:
        backend, clock = FakeResolver(), FakeClock()
        backend.says["a"], backend.says["b"] = Document(value="a"), Document(value="b", lease=6)
        store = Store([backend], ttl=1000, clock=clock)
        store.get("a"), store.get("b")
        assert store._hits["b"].until <= 1004.4 < store._hits["a"].until

    @pytest.mark.parametrize(
        "read", [lambda store: store.get("a"), lambda store: store.get_many(["a"])["a"]], ids=["get", "many"]
    )
    @pytest.mark.parametrize("more", [{}, {"version": "7"}, {"fields": {"f": "x"}}], ids=str)
    def test_one_whose_answer_is_gone_meanwhile_is_none(
        self, read: Callable[[Store], Any], more: dict[str, Any]
    ) -> None:
        backend = FakeResolver()
        backend.says["a"] = Document(value="old", **more)
        store = Store([backend])
        store.get("a")
        backend.says["a"] = Document(value="new")
        store._reads._cache._documents.clear()  # as another thread does it, before it takes the direct entry
        assert "new" == read(store).value

    def test_of_two_names_that_are_not_of_one_version_none_is_used(self) -> None:
        backend = FakeResolver(fields=True)
        backend.says["d"] = Document(fields={"a": "a1", "b": "b1"})
        store = Store([backend])
        old = store.get_many(["d/a", "d/b"])
        hit = store._hits["d/a"]
        backend.says["d"] = Document(fields={"a": "a2", "b": "b2"})
        store.get("d/b", refresh=True)
        taken = store._reads._cache.hits

        class Late(dict[str, Any]):
            """Gives a reader of the first name what was there a moment ago, once."""

            def get(self, name: str, default: Any = None) -> Any:
                late, self.late = getattr(self, "late", hit), None
                return late if name == "d/a" and late else super().get(name, default)

        store._reads._cache.hits = Late(taken)
        hit.secret = old["d/a"]
        found = store.get_many(["d/a", "d/b"])
        assert ["a2", "b2"] == [each.value for each in found.values()]

    def test_two_spellings_of_one_text_have_each_its_own_name_and_ttl(self) -> None:
        backend, clock = FakeResolver(), FakeClock()
        backend.says["a"] = Document(value="any")
        store = Store([backend], ttl=1000, clock=clock, names={"a": NameSettings(ttl=10)})
        store.get("fake://a"), store.get("a")
        assert store._hits["a"].until < 1010 < store._hits["fake://a"].until
        for _ in range(2):
            assert ["a", "fake://a"] == [store.get(name).name for name in ("a", "fake://a")]
        assert 1 == len(backend.calls)
