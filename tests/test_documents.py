"""One document: the table of outcomes against what is cached, shared fetches, and what a resolver may do."""

from __future__ import annotations

import asyncio
import secrets
import threading
import traceback
from collections.abc import Iterator

import pytest

from secretsource._secret import Document, NotThere
from secretsource._store import Store
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    DeadlineExceeded,
    InvalidResponse,
    Reason,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
)
from tests.fakes import FakeClock, FakeResolver, Gate, Script, eventually, in_threads, outcome

OUTAGES = [
    BackendUnavailable("down"),
    BackendUnavailable(reason=Reason.DNS),
    BackendUnavailable(reason=Reason.SEALED),
    BackendUnavailable(reason=Reason.THROTTLED, retry_after=60),
    DeadlineExceeded(),
    InvalidResponse("html"),
]
LOUD = [
    BackendUnavailable(reason=Reason.TLS),
    InvalidResponse(reason=Reason.TLS),
    AccessDenied("no"),
    ResolverError("odd"),
    ConfigError("wrong"),
]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def backend() -> FakeResolver:
    return FakeResolver()


@pytest.fixture
def store(backend: FakeResolver, clock: FakeClock) -> Iterator[Store]:
    with Store([backend], ttl=100, max_stale=50, negative_ttl=5, timeout=10, clock=clock) as store:
        yield store


class TestFresh:
    def test_below_the_ttl_the_backend_is_not_asked_again(
        self, store: Store, backend: FakeResolver, clock: FakeClock
    ) -> None:
        backend.says["a"] = Document(value="first", version="1")
        assert "first" == store.get("a").value
        backend.says["a"] = Document(value="second", version="2")
        clock.advance(99.9)
        assert ("first", "1", False) == (store.get("a").value, store.get("a").version, store.get("a").stale)
        assert 1 == len(backend.calls)

    def test_at_the_ttl_it_is(self, store: Store, backend: FakeResolver, clock: FakeClock) -> None:
        backend.says["a"] = Document(value="first")
        store.get("a")
        backend.says["a"] = Document(value="second", version="2")
        clock.advance(100)
        assert ("second", "2") == (store.get("a").value, store.get("a").version)

    def test_the_age_counts_from_the_question_not_from_the_answer(
        self, store: Store, backend: FakeResolver, clock: FakeClock
    ) -> None:
        def slow(*_: object) -> Document:
            clock.advance(30)
            return Document(value="any")

        backend.says["a"] = slow
        assert 30 == store.get("a").age

    def test_a_lease_ends_it_before_the_ttl_and_before_any_staleness(
        self, store: Store, backend: FakeResolver, clock: FakeClock
    ) -> None:
        backend.says["a"] = Document(value="any", lease=40)
        assert 40 == store.get("a").lease
        clock.advance(39)
        store.get("a")
        assert 1 == len(backend.calls)
        backend.says["a"] = BackendUnavailable()
        clock.advance(1)
        with pytest.raises(BackendUnavailable):
            store.get("a")


class TestNotThere:
    @pytest.mark.parametrize("answer", [None, NotThere(Reason.DELETED), SecretNotFound("a")])
    def test_it_is_kept_for_the_negative_ttl(
        self, answer: Script, store: Store, backend: FakeResolver, clock: FakeClock
    ) -> None:
        backend.says["a"] = answer
        for _ in range(2):
            with pytest.raises(SecretNotFound):
                store.get("a")
        assert 1 == len(backend.calls)
        backend.says["a"] = Document(value="there now")
        clock.advance(4.9)
        with pytest.raises(SecretNotFound) as caught:
            store.get("a")
        assert caught.value.steps[0].cached
        clock.advance(0.1)
        assert "there now" == store.get("a").value

    def test_a_field_that_the_document_lacks_is_not_believed_longer(self, clock: FakeClock) -> None:
        backend = FakeResolver(fields=True)
        store = Store([backend], ttl=100, negative_ttl=5, clock=clock)
        backend.says["db"] = Document(fields={"user": "any"})
        store.get("db/user")
        with pytest.raises(SecretNotFound):
            store.get("db/password")
        assert 1 == len(backend.calls)
        backend.says["db"] = Document(fields={"user": "any", "password": "new"})
        clock.advance(5)
        assert "new" == store.get("db/password").value
        assert 2 == len(backend.calls)

    def test_it_drops_the_value_which_an_outage_does_not_bring_back(
        self, store: Store, backend: FakeResolver, clock: FakeClock
    ) -> None:
        backend.says["a"] = Document(value="any")
        store.get("a")
        backend.says["a"] = None
        clock.advance(100)
        with pytest.raises(SecretNotFound):
            store.get("a")
        backend.says["a"] = BackendUnavailable("down")
        clock.advance(5)
        with pytest.raises(BackendUnavailable, match=r"fake at a: server error \(down\)"):
            store.get("a")

    def test_on_a_refresh_it_drops_the_value(self, store: Store, backend: FakeResolver) -> None:
        backend.says["a"] = Document(value="any")
        store.get("a")
        backend.says["a"] = None
        with pytest.raises(SecretNotFound):
            store.get("a", refresh=True)
        with pytest.raises(SecretNotFound):
            store.get("a")


class TestOutage:
    @pytest.mark.parametrize("outage", OUTAGES, ids=str)
    def test_the_last_good_value_is_served_as_stale_for_max_stale_past_the_ttl(
        self, outage: SecretSourceError, store: Store, backend: FakeResolver, clock: FakeClock
    ) -> None:
        backend.says["a"] = Document(value="good", version="1")
        store.get("a")
        backend.says["a"] = outage
        for seconds in (100, 49.9):
            clock.advance(seconds)
            served = store.get("a")
            assert ("good", "1", True) == (served.value, served.version, served.stale)
        clock.advance(0.1)
        with pytest.raises(type(outage)):
            store.get("a")

    @pytest.mark.parametrize("error", LOUD, ids=str)
    def test_a_denial_a_tls_failure_and_the_unknown_are_raised_in_its_place(
        self, error: SecretSourceError, store: Store, backend: FakeResolver, clock: FakeClock
    ) -> None:
        backend.says["a"] = Document(value="good")
        store.get("a")
        backend.says["a"] = error
        clock.advance(100)
        with pytest.raises(type(error)):
            store.get("a")

    def test_a_value_that_was_served_stale_is_fresh_again_after_the_outage(
        self, store: Store, backend: FakeResolver, clock: FakeClock
    ) -> None:
        backend.says["a"] = Document(value="good")
        store.get("a")
        backend.says["a"] = BackendUnavailable()
        clock.advance(120)
        assert store.get("a").stale
        backend.says["a"] = Document(value="new")
        clock.advance(2)
        assert ("good", True) == (
            store.get("a").value,
            store.get("a").stale,
        )  # and an attempt in the background
        assert eventually(lambda: ("new", False) == (store.get("a").value, store.get("a").stale))

    def test_without_a_value_the_outage_is_raised_and_not_remembered(
        self, store: Store, backend: FakeResolver
    ) -> None:
        backend.says["a"] = BackendUnavailable("down")
        with pytest.raises(BackendUnavailable, match=r"fake at a: server error \(down\)"):
            store.get("a")
        backend.says["a"] = Document(value="up")
        assert "up" == store.get("a").value

    def test_a_stale_document_is_no_proof_that_a_field_is_not_there(self, clock: FakeClock) -> None:
        backend = FakeResolver(fields=True)
        store = Store([backend, FakeResolver("other")], ttl=100, clock=clock)
        backend.says["db"] = Document(fields={"user": "any"})
        store.get("db/user")
        backend.says["db"] = BackendUnavailable("down")
        clock.advance(100)
        with pytest.raises(BackendUnavailable, match="fake at db#password: server error"):
            store.get("db/password")

    def test_it_is_not_called_stale_when_another_fetch_was_luckier(
        self, store: Store, backend: FakeResolver
    ) -> None:
        gate = Gate(BackendUnavailable())
        backend.says["a"] = gate
        results: list[object] = []
        reader = threading.Thread(target=lambda: results.append(outcome(lambda: store.get("a").stale)))
        reader.start()
        gate.wait_until_entered()
        backend.says["a"] = Document(value="any")
        store.get("a", refresh=True)
        gate.open()
        reader.join(10)
        assert [False] == results

    def test_with_no_time_at_all_a_stale_value_is_served_and_nothing_is_asked(
        self, store: Store, backend: FakeResolver, clock: FakeClock
    ) -> None:
        backend.says["a"] = Document(value="good")
        store.get("a")
        assert "good" == store.get("a", timeout=0).value
        clock.advance(100)
        assert store.get("a", timeout=0).stale
        assert 1 == len(backend.calls)
        clock.advance(50)
        with pytest.raises(DeadlineExceeded):
            store.get("a", timeout=0)


class TestDenial:
    def test_a_denial_on_a_refresh_drops_the_value_at_once(
        self, store: Store, backend: FakeResolver, clock: FakeClock
    ) -> None:
        backend.says["a"] = Document(value="good")
        store.get("a")
        backend.says["a"] = AccessDenied("no")
        with pytest.raises(AccessDenied):
            store.get("a", refresh=True)
        backend.says["a"] = BackendUnavailable("down")
        with pytest.raises(BackendUnavailable):
            store.get("a")

    def test_a_denial_drops_every_field_of_the_document(self, clock: FakeClock) -> None:
        backend = FakeResolver(fields=True)
        store = Store([backend], clock=clock)
        backend.says["db"] = Document(fields={"user": "any", "password": "any"})
        store.get("db/user")
        store.get("db/password")
        backend.says["db"] = AccessDenied()
        with pytest.raises(AccessDenied):
            store.get("db/user", refresh=True)
        with pytest.raises(AccessDenied):
            store.get("db/password")

    def test_a_denial_is_not_remembered(self, store: Store, backend: FakeResolver) -> None:
        backend.says["a"] = AccessDenied()
        with pytest.raises(AccessDenied):
            store.get("a")
        backend.says["a"] = Document(value="allowed")
        assert "allowed" == store.get("a").value

    def test_an_older_fetch_does_not_bring_the_value_back_after_a_newer_denial(
        self, store: Store, backend: FakeResolver
    ) -> None:
        gate = Gate(Document(value="old"))
        backend.says["a"] = gate
        reader = threading.Thread(target=store.get, args=("a",))
        reader.start()
        gate.wait_until_entered()
        backend.says["a"] = AccessDenied()
        with pytest.raises(AccessDenied):
            store.get("a", refresh=True)
        gate.open()
        reader.join(10)
        with pytest.raises(AccessDenied):
            store.get("a")


class TestRefresh:
    @pytest.mark.parametrize("error", OUTAGES + LOUD, ids=str)
    def test_it_is_never_answered_stale(
        self, error: SecretSourceError, store: Store, backend: FakeResolver
    ) -> None:
        backend.says["a"] = Document(value="good")
        store.get("a")
        backend.says["a"] = error
        with pytest.raises(type(error)):
            store.get("a", refresh=True)

    def test_an_outage_on_a_refresh_leaves_the_value_to_others(
        self, store: Store, backend: FakeResolver
    ) -> None:
        backend.says["a"] = Document(value="good")
        store.get("a")
        backend.says["a"] = BackendUnavailable()
        with pytest.raises(BackendUnavailable):
            store.get("a", refresh=True)
        assert ("good", False) == (store.get("a").value, store.get("a").stale)

    def test_it_asks_although_the_value_is_fresh_and_keeps_the_answer(
        self, store: Store, backend: FakeResolver
    ) -> None:
        backend.says["a"] = Document(value="first")
        store.get("a")
        backend.says["a"] = Document(value="second")
        assert "second" == store.get("a", refresh=True).value
        assert "second" == store.get("a").value

    def test_it_is_not_answered_by_a_fetch_that_began_before_nor_is_its_answer_overwritten(
        self, store: Store, backend: FakeResolver
    ) -> None:
        gate = Gate(Document(value="old"))
        backend.says["a"] = gate
        results: list[object] = []
        reader = threading.Thread(target=lambda: results.append(store.get("a").value))
        reader.start()
        gate.wait_until_entered()
        backend.says["a"] = Document(value="new")
        assert "new" == store.get("a", refresh=True).value
        gate.open()
        reader.join(10)
        assert ["old"] == results
        assert "new" == store.get("a").value


class TestSharing:
    def test_64_threads_and_200_tasks_together_make_one_call(
        self, store: Store, backend: FakeResolver
    ) -> None:
        gate = Gate(Document(value="shared"))
        backend.says["a"] = gate

        async def tasks() -> list[str]:
            return [each.value for each in await asyncio.gather(*(store.aget("a") for _ in range(200)))]

        async_results: list[list[str]] = []
        loop_thread = threading.Thread(target=lambda: async_results.append(asyncio.run(tasks())))
        loop_thread.start()
        threading.Timer(0.3, gate.open).start()
        values = in_threads(64, lambda: store.get("a").value)
        loop_thread.join(20)
        assert ["shared"] * 64 == values
        assert [["shared"] * 200] == async_results
        assert 1 == len(backend.calls)

    def test_a_failure_is_shared_as_one_attempt_and_each_reader_gets_an_error_of_its_own(
        self, store: Store, backend: FakeResolver
    ) -> None:
        gate = Gate(BackendUnavailable("down"))
        backend.says["a"] = gate
        threading.Timer(0.3, gate.open).start()
        errors = in_threads(32, lambda: store.get("a"))
        assert 1 == len(backend.calls)
        assert {BackendUnavailable} == {type(error) for error in errors}
        assert 32 == len({id(error) for error in errors})

    def test_two_fields_of_one_document_make_one_call(self) -> None:
        backend = FakeResolver(fields=True)
        gate = Gate(Document(fields={"user": "u", "password": "p"}))
        backend.says["db"] = gate
        store = Store([backend])
        threading.Timer(0.2, gate.open).start()
        assert {"db/user": "u", "db/password": "p"} == {
            name: each.value for name, each in store.get_many(["db/user", "db/password"]).items()
        }
        assert 1 == len(backend.calls)

    def test_versions_stages_and_resolvers_share_nothing(self) -> None:
        one, two = FakeResolver("one"), FakeResolver("two")
        for backend in (one, two):
            backend.says["a"] = lambda where, _, name=backend.name: Document(
                value=f"{name} {where.version} {where.stage}", fields={"of": "all"}
            )
        store = Store([one, two])
        asked = ["one://a", "one://a?version=1", "one://a?stage=1", "two://a", "two://a?version=1&stage=2"]
        for _ in range(2):
            got = [store.get(reference).value for reference in asked]
        assert ["one None None", "one 1 None", "one None 1", "two None None", "two 1 2"] == got
        assert (3, 2) == (len(one.calls), len(two.calls))

    def test_a_field_and_the_whole_document_are_one_call_and_one_version(self, backend: FakeResolver) -> None:
        backend.says["a"] = Document(value="", fields={"b": "x"})
        store = Store([backend])
        assert "x" == store.get("fake://a#b").value
        assert {"b": "x"} == store.get_fields("fake://a")
        assert 1 == len(backend.calls)

    def test_names_with_different_ttls_share_the_document_but_not_the_ttl(self, clock: FakeClock) -> None:
        from secretsource._places import NameSettings

        backend = FakeResolver(fields=True)
        store = Store([backend], ttl=100, names={"db/short": NameSettings(ttl=10)}, clock=clock)
        backend.says["db"] = Document(fields={"short": "1", "long": "1"})
        store.get("db/long")
        store.get("db/short")
        assert 1 == len(backend.calls)
        backend.says["db"] = Document(fields={"short": "2", "long": "2"})
        clock.advance(10)
        assert "1" == store.get("db/long").value
        assert "2" == store.get("db/short").value
        assert "2" == store.get("db/long").value
        assert 2 == len(backend.calls)

    def test_a_link_has_a_ttl_and_a_staleness_of_its_own(
        self, backend: FakeResolver, clock: FakeClock
    ) -> None:
        from secretsource import Link

        store = Store([Link(backend, ttl=10, max_stale=0)], ttl=100, max_stale=100, clock=clock)
        backend.says["a"] = Document(value="any")
        store.get("a")
        backend.says["a"] = BackendUnavailable()
        clock.advance(10)
        with pytest.raises(BackendUnavailable):
            store.get("a")


class Incompatible(BackendUnavailable):
    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"status {status}")


class IncompatibleConfigError(ConfigError):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


class TestResolverMisbehaves:
    @pytest.mark.parametrize("local", [False, True])
    @pytest.mark.parametrize(
        "raised",
        [
            SystemExit(3),
            asyncio.CancelledError(),
            GeneratorExit(),
            ValueError("any"),
            StopIteration(),
            TimeoutError(),
            MemoryError(),
            Incompatible(500, "any"),
            IncompatibleConfigError("any", "any"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_what_it_raises_becomes_an_error_that_names_it(self, raised: BaseException, local: bool) -> None:
        backend = FakeResolver("odd", local=local)
        backend.says["a"] = raised
        with pytest.raises(ResolverError, match=f"odd at a: .*the resolver raised {type(raised).__name__}"):
            Store([backend]).get("a", timeout=5)

    def test_ctrl_c_on_a_worker_is_the_resolvers_and_in_the_main_thread_the_users(self) -> None:
        remote, local = FakeResolver("remote"), FakeResolver("local", local=True)
        remote.says["a"] = local.says["a"] = KeyboardInterrupt()
        with pytest.raises(ResolverError, match="the resolver raised KeyboardInterrupt"):
            Store([remote]).get("a")
        with pytest.raises(KeyboardInterrupt):
            Store([local]).get("a")

    @pytest.mark.parametrize("garbage", [0, "", "value", b"value", {}, ["any"], True, Document])
    def test_what_it_returns_that_is_no_document_is_named_and_not_shown(self, garbage: object) -> None:
        backend = FakeResolver("odd")
        backend.says["a"] = lambda *_: garbage
        with pytest.raises(ResolverError, match=f"returned {type(garbage).__name__}, which is no Document"):
            Store([backend]).get("a")

    @pytest.mark.parametrize("raised", [ValueError, SystemExit, asyncio.CancelledError])
    def test_what_it_raises_in_locate_names_it_too(
        self, raised: type[BaseException], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        canary = secrets.token_hex(8)

        def locate(name: str, *, document: bool = False) -> object:
            raise raised(canary)

        backend = FakeResolver("odd")
        monkeypatch.setattr(backend, "locate", locate)
        with pytest.raises(ResolverError, match=f"odd: .*raised {raised.__name__} in locate") as caught:
            Store([backend]).get("a")
        assert caught.value.__context__ is None
        assert canary not in "".join(traceback.format_exception(caught.value))

    def test_a_locate_that_returns_no_location_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        backend = FakeResolver("odd")
        monkeypatch.setattr(backend, "locate", lambda name, document=False: None)
        with pytest.raises(ResolverError, match=r"odd: .*returned NoneType, which is no Location"):
            Store([backend]).get("a")

    @pytest.mark.parametrize("local", [False, True])
    @pytest.mark.parametrize("kind", [ValueError, BackendUnavailable, AccessDenied, ConfigError])
    def test_no_error_leads_to_its_frames(self, kind: type[Exception], local: bool) -> None:
        canary = secrets.token_hex(8)

        def fetch(*_: object) -> None:
            token = canary  # noqa: F841 - what must not be found
            try:
                raise KeyError(canary)
            except KeyError as error:
                raise kind("any") from error

        backend = FakeResolver(local=local)
        backend.says["a"] = fetch
        with pytest.raises(SecretSourceError) as caught:
            Store([backend]).get("a")
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        frames = [frame.name for frame in shown.stack]
        assert "fetch" not in frames
        assert "_ask" not in frames

    def test_a_read_after_a_misbehaved_one_works(self, store: Store, backend: FakeResolver) -> None:
        backend.says["a"] = Incompatible(500, "any")
        with pytest.raises(ResolverError):
            store.get("a")
        backend.says["a"] = Document(value="well")
        assert "well" == store.get("a").value


class TestForgetting:
    def test_invalidating_a_name_asks_again_for_it_alone(self, store: Store, backend: FakeResolver) -> None:
        backend.says |= {"a": Document(value="any"), "b": Document(value="any")}
        store.get("a")
        store.get("b")
        store.invalidate("a")
        store.get("a")
        store.get("b")
        assert ["a", "b", "a"] == [call.address for call in backend.calls]

    @pytest.mark.parametrize("name", ["a", None])
    def test_what_was_asked_before_is_neither_kept_nor_joined(
        self, name: str | None, store: Store, backend: FakeResolver
    ) -> None:
        gate = Gate(Document(value="old"))
        backend.says["a"] = gate
        results: list[str] = []
        reader = threading.Thread(target=lambda: results.append(store.get("a").value))
        reader.start()
        gate.wait_until_entered()
        store.invalidate(name)
        backend.says["a"] = Document(value="new")
        assert "new" == store.get("a", timeout=5).value
        gate.open()
        reader.join(10)
        assert ["old"] == results
        assert "new" == store.get("a").value
        assert 2 == len(backend.calls)

    def test_invalidating_one_name_during_the_flight_of_another_lets_that_be_kept(
        self, store: Store, backend: FakeResolver
    ) -> None:
        gate = Gate(Document(value="any"))
        backend.says["b"] = gate
        reader = threading.Thread(target=store.get, args=("b",))
        reader.start()
        gate.wait_until_entered()
        store.invalidate("a")
        gate.open()
        reader.join(10)
        store.get("b")
        assert 1 == len(backend.calls)

    def test_no_old_value_comes_back_after_an_invalidation_and_an_outage(
        self, store: Store, backend: FakeResolver
    ) -> None:
        backend.says["a"] = Document(value="any")
        store.get("a")
        store.invalidate("a")
        backend.says["a"] = BackendUnavailable()
        with pytest.raises(BackendUnavailable):
            store.get("a")

    def test_a_closed_store_reads_again(self, store: Store, backend: FakeResolver) -> None:
        backend.says["a"] = Document(value="any")
        store.get("a")
        store.close()
        store.get("a")
        assert 2 == len(backend.calls)

    def test_what_is_evicted_is_asked_for_again_and_a_hit_counts_as_a_use(
        self, backend: FakeResolver
    ) -> None:
        store = Store([backend], max_entries=3)
        for name in "abcdef":
            backend.says[name] = Document(value="any")
        for name in "abc":
            store.get(name)
        store.get("a")
        store.get("d")
        store.get("a")
        assert ["a", "b", "c", "d"] == [call.address for call in backend.calls]
        store.get("b")
        assert 5 == len(backend.calls)


class TestLocal:
    def test_a_local_resolver_is_asked_in_the_readers_thread_and_kept_for_one_second(
        self, clock: FakeClock
    ) -> None:
        local = FakeResolver(local=True)
        local.says["a"] = lambda *_: Document(value=threading.current_thread().name)
        store = Store([local], clock=clock)
        assert threading.current_thread().name == store.get("a").value
        clock.advance(0.9)
        store.get("a")
        assert 1 == len(local.calls)
        clock.advance(0.1)
        store.get("a")
        assert 2 == len(local.calls)

    def test_it_is_asked_whatever_the_deadline(self) -> None:
        local = FakeResolver(local=True)
        local.says["a"] = Document(value="any")
        assert "any" == Store([local]).get("a", timeout=0).value

    def test_what_it_does_not_have_is_believed_for_one_second(self, clock: FakeClock) -> None:
        local = FakeResolver(local=True)
        store = Store([local], clock=clock)
        with pytest.raises(SecretNotFound):
            store.get("a")
        local.says["a"] = Document(value="any")
        clock.advance(1)
        assert "any" == store.get("a").value
