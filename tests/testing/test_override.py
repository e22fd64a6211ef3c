"""Values take the place of the process-wide store for the time of a test."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
import unittest
from collections.abc import AsyncIterator, Iterator

import pytest

import secretsource
from secretsource import AccessDenied, DeadlineExceeded, InvalidReference, SecretNotFound, Store, get_secret
from secretsource import _default as default
from secretsource.testing import IsolationError, MemoryResolver, Overrides, override


@pytest.fixture(autouse=True)
def before() -> Iterator[MemoryResolver]:
    """A process-wide store that stands for the real one."""
    real = MemoryResolver({"real/key": "real", "pepipost/api_key": "real"}, name="real")
    replaced = default.replace_default_store(Store([real]))
    yield real
    default.replace_default_store(replaced)


def test_a_value_is_answered_from_memory_and_the_backend_is_not_asked(before: MemoryResolver) -> None:
    with override({"pepipost/api_key": "test"}):
        assert "test" == get_secret("pepipost/api_key")
    assert [] == before.calls
    assert "real" == get_secret("pepipost/api_key")


@pytest.mark.parametrize(
    "name", ["real/key", "real", "real://real#key", "aws://prod/email#key", "nobody://x"]
)
def test_everything_else_is_not_found(before: MemoryResolver, name: str) -> None:
    with override({"pepipost/api_key": "test"}), pytest.raises(SecretNotFound):
        get_secret(name)
    assert [] == before.calls


def test_what_was_cached_before_is_not_seen(before: MemoryResolver) -> None:
    assert "real" == get_secret("real/key")
    with override(), pytest.raises(SecretNotFound):
        get_secret("real/key")
    assert "real" == get_secret("real/key")
    assert ["real"] == before.calls, "the cache from before is still there"


def test_references_are_overridden_like_names() -> None:
    values = {
        "vault://kv/email?version=3#api_key": "v3",
        "aws://prod/email?stage=AWSPREVIOUS#key": "old",
        "file:///run/secrets/x": "from a file",
        "env://PEPIPOST_KEY": "from env",
    }
    with override(values):
        assert list(values.values()) == [get_secret(name) for name in values]
        with pytest.raises(SecretNotFound):
            get_secret("vault://kv/email#api_key")


def test_references_are_refused_where_the_configuration_says_so() -> None:
    default.replace_default_store(Store([MemoryResolver()], references="config"))
    with override({"aws://a#b": "x"}), pytest.raises(InvalidReference):
        get_secret("aws://a#b")


def test_bytes_fields_and_several_names_are_answered() -> None:
    with override({"key.der": b"\x00\xff", "db/primary": {"user": "u", "password": "p"}}):
        assert b"\x00\xff" == secretsource.get_secret_bytes("key.der")
        assert {"user": "u", "password": "p"} == secretsource.get_fields("db/primary")
        assert ["u", "p"] == list(
            secretsource.get_secrets(["db/primary/user", "db/primary/password"]).values()
        )
        assert "u" == secretsource.secret("db/primary/user")()


def test_nested_overrides_add_to_the_outer_ones() -> None:
    with override({"db/primary/user": "outer", "a/b": "outer"}):
        with override({"db/primary/password": "inner", "a/b": "inner"}):
            assert {"user": "outer", "password": "inner"} == secretsource.get_fields("db/primary")
            assert "inner" == get_secret("a/b")
        assert {"user": "outer"} == secretsource.get_fields("db/primary")
        assert "outer" == get_secret("a/b")


def test_nested_overrides_deny_what_the_outer_one_denies() -> None:
    with override({"a/b": "x"}) as outer:
        outer.deny("a/b")
        with override() as inner:
            with pytest.raises(AccessDenied):
                get_secret("a/b")
            inner.recover()
            assert "x" == get_secret("a/b")
        with pytest.raises(AccessDenied):
            get_secret("a/b")


def test_the_store_from_before_comes_back_after_an_exception(before: MemoryResolver) -> None:
    store = secretsource.default_store()
    with pytest.raises(ZeroDivisionError), override({"a/b": "x"}):
        raise ZeroDivisionError
    assert store is secretsource.default_store()
    assert "real" == get_secret("real/key")


def test_the_store_from_before_is_not_closed() -> None:
    closed = []

    class Closing(MemoryResolver):
        def close(self) -> None:
            closed.append(self)

    default.replace_default_store(Store([Closing()]))
    with override(), override():
        pass
    assert [] == closed


def test_a_bad_name_leaves_the_store_in_place() -> None:
    store = secretsource.default_store()
    with pytest.raises(InvalidReference), override({"a//b": "x"}):
        pass
    assert store is secretsource.default_store()


def test_no_store_before_is_no_store_afterwards() -> None:
    default.replace_default_store(None)
    with override({"a/b": "x"}):
        assert "x" == get_secret("a/b")
    assert None is default.replace_default_store(None)


def test_a_configure_meanwhile_ends_with_the_override() -> None:
    store = secretsource.default_store()
    closed = []

    class Closing(MemoryResolver):
        def close(self) -> None:
            closed.append(self.name)

    with override({"a/b": "x"}):
        secretsource.configure(chain=[Closing({"a/b": "configured"})])
        assert "configured" == get_secret("a/b")
    assert store is secretsource.default_store()
    assert ["memory"] == closed


def test_a_change_meanwhile_counts_from_the_next_read() -> None:
    with override({"a/b": "x"}) as overrides:
        assert "x" == get_secret("a/b")
        overrides.put("a/b", "y")
        assert "y" == get_secret("a/b")
        overrides.deny("a/b")
        with pytest.raises(AccessDenied):
            get_secret("a/b")
        overrides.recover()
        overrides({"c": "z"})
        assert ["y", "z"] == [get_secret("a/b"), get_secret("c")]


def test_an_outage_is_not_bridged_by_an_old_value() -> None:
    with override({"a/b": "x"}) as overrides:
        assert "x" == get_secret("a/b")
        overrides.fail("server")
        with pytest.raises(secretsource.BackendUnavailable):
            get_secret("a/b")


def test_reads_need_no_thread_unless_they_are_slow() -> None:
    with override({"a/b": "x"}) as overrides:
        before = set(threading.enumerate())
        get_secret("a/b")
        assert [] == [each for each in threading.enumerate() if each not in before]
        with overrides.held(), pytest.raises(DeadlineExceeded):
            get_secret("a/b", timeout=0.05)
        overrides.delay = 5
        with pytest.raises(DeadlineExceeded):
            get_secret("a/b", timeout=0.05)


async def test_coroutines_see_it() -> None:
    with override({"a/b": "x"}):
        assert "x" == await secretsource.aget_secret("a/b")


def test_a_function_is_decorated() -> None:
    decorator = override({"a/b": "x"})

    @decorator
    def read(extra: str) -> str:
        """Say so."""
        return get_secret("a/b") + extra

    assert ["x!", "x?"] == [read("!"), read("?")]
    assert ("read", "Say so.") == (read.__name__, read.__doc__)
    with pytest.raises(SecretNotFound):
        get_secret("a/b")


async def test_a_coroutine_function_is_decorated_for_as_long_as_it_runs() -> None:
    @override({"a/b": "x"})
    async def read() -> str:
        await asyncio.sleep(0)
        return await secretsource.aget_secret("a/b")

    assert "x" == await read()
    with pytest.raises(SecretNotFound):
        get_secret("a/b")


# Rotations


class Refused(Exception):  # noqa: N818
    """What a service raises for a key that is not the one of now."""


class Service:
    """A service that takes one key, and counts the requests."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.requests = 0

    def send(self, name: str = "pepipost/api_key") -> str:
        """Do as an application does that survives a rotation."""
        for attempt in secretsource.attempts(name, on=Refused):
            with attempt as key:
                return self.take(key)
        raise AssertionError("the loop ended without a result")

    async def asend(self, name: str = "pepipost/api_key") -> str:
        async for attempt in secretsource.attempts(name, on=Refused):
            async with attempt as key:
                return self.take(key)
        raise AssertionError("the loop ended without a result")

    def take(self, key: str) -> str:
        self.requests += 1
        if key != self.key:
            raise Refused
        return "sent"


def test_code_that_is_refused_finds_the_new_value_with_its_second_attempt() -> None:
    service = Service("new")
    with override({"pepipost/api_key": "old"}) as overrides:
        overrides.rotate("pepipost/api_key", "new", after=1)
        assert ("sent", 2) == (service.send(), service.requests)
        assert ("sent", 3) == (service.send(), service.requests)


async def test_so_do_coroutines() -> None:
    service = Service("new")
    with override({"pepipost/api_key": "old"}) as overrides:
        overrides.rotate("pepipost/api_key", "new", after=1)
        assert ("sent", 2) == (await service.asend(), service.requests)


def test_one_test_may_rotate_several_times() -> None:
    service = Service("3")
    with override({"pepipost/api_key": "0"}) as overrides:
        for number in ("1", "2", "3"):
            overrides.rotate("pepipost/api_key", number, after=1)
            service.key = number
            assert "sent" == service.send()
    assert 6 == service.requests


def test_a_key_that_stays_wrong_is_tried_once() -> None:
    service = Service("another")
    with override({"pepipost/api_key": "wrong"}), pytest.raises(Refused):
        service.send()
    assert 1 == service.requests


def test_reject_returns_the_new_version() -> None:
    with override({"a/b": "old"}) as overrides:
        overrides.rotate("a/b", "new", after=1)
        store = secretsource.default_store()
        refused = store.get("a/b")
        newer = store.reject(refused)
        assert ["old", "1", "new", "2"] == [refused.value, refused.version, newer.value, newer.version]


def test_a_rotation_after_some_reads_counts_those_of_its_document_alone() -> None:
    with override({"a/b": "old", "a/c": "c", "d/e": "x"}) as overrides:
        overrides.rotate("a/b", "new", after=2)
        assert ["x", "c", "old", "new"] == [get_secret(name) for name in ("d/e", "a/c", "a/b", "a/b")]
        overrides.put("a/b", "later")
        assert "later" == get_secret("a/b"), "a rotation is done once"


def test_a_document_is_rotated_in_one_step() -> None:
    with override({"db/primary": {"user": "u1", "password": "p1"}}) as overrides:
        overrides.rotate("db/primary", {"user": "u2", "password": "p2"}, after=1)
        assert {"user": "u1", "password": "p1"} == secretsource.get_fields("db/primary")
        assert {"user": "u2", "password": "p2"} == secretsource.get_fields("db/primary")


def test_a_later_rotation_takes_the_place_of_one_that_is_not_due() -> None:
    with override({"a/b": "old"}) as overrides:
        overrides.rotate("a/b", "never", after=1)
        overrides.rotate("a/b", "new")
        assert ["new", "new"] == [get_secret("a/b"), get_secret("a/b")]


def test_an_inner_override_has_the_rotation_of_the_outer_one_for_itself() -> None:
    with override({"a/b": "old"}) as outer:
        outer.rotate("a/b", "new", after=1)
        with override():
            assert ["old", "new"] == [get_secret("a/b"), get_secret("a/b")]
        assert ["old", "new"] == [get_secret("a/b"), get_secret("a/b")]


def test_a_rotation_before_no_read_is_refused() -> None:
    with override({"a/b": "old"}) as overrides, pytest.raises(ValueError, match="0 or more, not -1"):
        overrides.rotate("a/b", "new", after=-1)


def test_who_watches_has_been_told_when_the_rotation_returns() -> None:
    told: list[tuple[str, str]] = []
    with override({"db/primary": {"user": "u1", "password": "p1"}, "a/b": "x"}) as overrides:
        for name in ("db/primary/user", "db/primary/password", "a/b"):
            secretsource.on_rotation(name, lambda old, new: told.append((old.value, new.value)))
        overrides.rotate("db/primary", {"user": "u2", "password": "p2"})
        assert [("p1", "p2"), ("u1", "u2")] == sorted(told)
        overrides.rotate("db/primary/password", "p3")
        assert ("p2", "p3") in told
        assert ("x", "x") not in told


def test_who_watches_is_told_by_the_read_that_gets_a_later_rotation() -> None:
    told = threading.Event()
    with override({"a/b": "old"}) as overrides:
        assert "old" == get_secret("a/b")
        secretsource.on_rotation("a/b", lambda old, new: told.set())
        overrides.rotate("a/b", "new", after=2)
        for _ in range(3):
            get_secret("a/b")
        assert told.wait(10)


def test_that_the_store_looks_after_a_watched_name_is_no_read() -> None:
    looked = threading.Event()
    with override({"a/b": "old"}) as overrides:
        overrides.rotate("a/b", "new", after=1)
        secretsource.on_rotation("a/b", lambda old, new: looked.set())
        while not overrides.calls:
            time.sleep(0.01)
        assert ["old", "new"] == [get_secret("a/b"), get_secret("a/b")]
        assert looked.wait(10)


def test_a_rotation_waits_for_nobody_where_nothing_can_be_told() -> None:
    with override() as overrides:
        secretsource.on_rotation("a/b", lambda old, new: None)
        overrides.rotate("a/b", "first")  # a first value is no change
        overrides.deny("a/b")
        overrides.rotate("a/b", "second")
        overrides.recover()
        assert "second" == get_secret("a/b")


def test_a_callback_that_hangs_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secretsource.testing._in_place._TOLD_WITHIN", 0.1)
    go_on = threading.Event()
    with override({"a/b": "old"}) as overrides:
        secretsource.on_rotation("a/b", lambda old, new: go_on.wait(10))
        with pytest.raises(TimeoutError, match="a callback of on_rotation for 'a/b' has not returned"):
            overrides.rotate("a/b", "new")
        go_on.set()


def test_an_on_rotation_from_before_is_there_again_afterwards(before: MemoryResolver) -> None:
    told: list[str] = []
    done = threading.Event()

    def callback(old: secretsource.Secret, new: secretsource.Secret) -> None:
        told.append(new.value)
        done.set()

    assert "real" == get_secret("real/key")
    secretsource.on_rotation("real/key", callback)
    with override({"real/key": "x"}) as overrides:
        overrides.rotate("real/key", "y")
    before.put("real/key", "really new")
    assert "really new" == get_secret("real/key", refresh=True)
    assert done.wait(10)
    assert ["really new"] == told


# What is left of an override


def test_a_store_that_was_kept_says_that_its_override_has_ended() -> None:
    with override({"a/b": "x"}):
        store = secretsource.default_store()
        assert "x" == store.get("a/b").value
    for refresh in (False, True):
        with pytest.raises(IsolationError, match="belongs to an override that has ended"):
            store.get("a/b", default=None, refresh=refresh)
    with override({"a/b": "y"}):
        assert "y" == get_secret("a/b")


# Classes


def results_of(*kinds: type[unittest.TestCase]) -> unittest.TestResult:
    result = unittest.TestResult()
    for kind in kinds:
        unittest.defaultTestLoader.loadTestsFromTestCase(kind).run(result)
    assert ([], []) == (result.failures, result.errors)
    return result


def test_each_test_of_a_class_is_covered_with_its_set_up_and_its_clean_ups(before: MemoryResolver) -> None:
    seen: list[str] = []

    @override({"a/b": "x"})
    class Tests(unittest.TestCase):
        def setUp(self) -> None:
            seen.append(get_secret("a/b"))
            self.addCleanup(lambda: seen.append(get_secret("a/b")))

        def tearDown(self) -> None:
            seen.append(get_secret("a/b"))

        def test_one(self) -> None:
            default._default.store.chain[0].resolver.put("a/b", "of one test")  # type: ignore[union-attr]

        def test_two(self) -> None:
            seen.append(get_secret("a/b"))

    assert 2 == results_of(Tests).testsRun
    assert ["x", "of one test", "of one test", "x", "x", "x", "x"] == seen
    assert "real" == get_secret("real/key")


def test_coroutines_of_a_class_are_covered_too() -> None:
    seen: list[str] = []

    @override({"a/b": "x"})
    class Tests(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self) -> None:
            seen.append(await secretsource.aget_secret("a/b"))
            self.addAsyncCleanup(self.clean_up)

        async def clean_up(self) -> None:
            seen.append(await secretsource.aget_secret("a/b"))

        async def test_it(self) -> None:
            seen.append(await secretsource.aget_secret("a/b"))

    assert 1 == results_of(Tests).testsRun
    assert ["x", "x", "x"] == seen


def test_decorators_of_a_class_its_bases_and_its_methods_stand_as_nested_blocks() -> None:
    seen: list[list[str]] = []

    def read() -> list[str]:
        return [get_secret(name, default="-") for name in ("a", "b", "c", "d")]

    @override({"a": "base", "b": "base", "c": "base"})
    class Base(unittest.TestCase):
        def test_it(self) -> None:
            seen.append(read())

    @override({"b": "upper", "c": "upper"})
    @override({"c": "lower"})
    class Derived(Base):
        @override({"d": "method"})
        def test_more(self) -> None:
            seen.append(read())

    results_of(Base, Derived)
    assert [
        ["base", "base", "base", "-"],
        ["base", "upper", "lower", "-"],
        ["base", "upper", "lower", "method"],
    ] == seen


def test_a_debugged_test_is_covered_too() -> None:
    @override({"a": "x"})
    class Tests(unittest.TestCase):
        def test_it(self) -> None:
            assert "x" == get_secret("a")

    Tests("test_it").debug()


def test_a_failure_in_a_covered_class_leaves_the_store_from_before(before: MemoryResolver) -> None:
    @override({"a": "x"})
    class Tests(unittest.TestCase):
        def setUp(self) -> None:
            raise ZeroDivisionError

        def test_it(self) -> None: ...

    result = unittest.TestResult()
    Tests("test_it").run(result)
    assert 1 == len(result.errors)
    assert "real" == get_secret("real/key")


def test_methods_are_decorated_like_functions() -> None:
    class Mailer:
        @override({"a": "x"})
        def read(self, more: str) -> str:
            return get_secret("a") + more

    assert "x!" == Mailer().read("!")


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="override decorates functions"):
        override({"a": "x"})(classmethod(lambda cls: None))  # type: ignore[call-overload]


def test_nothing_shows_a_value() -> None:
    canary = secrets.token_hex(8)
    whole = override({"a/b": canary})
    with whole as overrides:
        assert "override(['a/b'])" == repr(whole)
        assert "Overrides('override', 1 documents)" == repr(overrides)
        assert isinstance(overrides, Overrides)


def test_what_would_run_after_the_override_has_ended_is_refused() -> None:
    def generator() -> Iterator[None]:
        yield

    async def asynchronous() -> AsyncIterator[None]:
        yield

    class Tests:
        pass

    for function in (generator, asynchronous, Tests):
        with pytest.raises(TypeError, match="use a with block"):
            override({"a/b": "x"})(function)
