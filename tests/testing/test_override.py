"""Values take the place of the process-wide store for the time of a test."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

import secretsource
from secretsource import AccessDenied, DeadlineExceeded, InvalidReference, SecretNotFound, Store, get_secret
from secretsource import _default as default
from secretsource.testing import MemoryResolver, Overrides, override


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
