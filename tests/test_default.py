from __future__ import annotations

import copy
import os
import pickle
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import secretsource
from secretsource import (
    AccessDenied,
    ConfigError,
    Deadline,
    Document,
    InvalidReference,
    Location,
    MaskedBytes,
    MaskedStr,
    SecretNotFound,
    SecretSourceError,
    Store,
    _default,
    aget_secret,
    configure,
    default_store,
    get_fields,
    get_secret,
    get_secret_bytes,
    get_secrets,
    prefetch,
    secret,
)


class Scripted:
    """A resolver that answers from a dictionary and counts what it is asked."""

    name = "scripted"

    def __init__(self, answers: dict[str, object]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def locate(self, name: str, *, document: bool = False) -> Location:
        return Location(address=name, document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Document | None:
        self.asked.append(location.address)
        answer = self.answers.get(location.address)
        if isinstance(answer, SecretSourceError):
            raise answer
        if isinstance(answer, dict):
            return Document(fields=answer)
        return None if answer is None else Document(value=answer)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)


def use(**answers: object) -> Scripted:
    resolver = Scripted(answers)
    configure(chain=[resolver])
    return resolver


def test_a_secret_is_a_masked_string() -> None:
    value = secrets.token_hex()
    use(a=value)
    assert value == get_secret("a")
    assert MaskedStr is type(get_secret("a"))


def test_a_cached_secret_is_the_same_object_and_asks_nobody() -> None:
    resolver = use(a="x")
    assert get_secret("a") is get_secret("a")
    assert ["a"] == resolver.asked


@pytest.mark.parametrize("how", ["get_secret", "aget_secret"])
async def test_a_cached_read_counts_as_a_use(how: str) -> None:
    resolver = Scripted(dict.fromkeys("abcd", "any"))
    default = _default.replace_default_store(Store([resolver], max_entries=2))
    try:
        get_secret("a")
        for other in "bcd":
            assert "any" == (get_secret("a") if how == "get_secret" else await aget_secret("a"))
            get_secret(other)
        assert ["a", "b", "c", "d"] == resolver.asked
    finally:
        _default.replace_default_store(default)


def test_refresh_asks_whatever_is_cached() -> None:
    resolver = use(a="1")
    assert "1" == get_secret("a")
    resolver.answers["a"] = "2"
    assert ("1", "2", "2") == (get_secret("a"), get_secret("a", refresh=True), get_secret("a"))


def test_configure_forgets_what_the_old_store_had() -> None:
    use(a="1")
    assert "1" == get_secret("a")
    use(a="2")
    assert "2" == get_secret("a")


def test_a_store_that_is_put_in_place_and_back_answers_at_once() -> None:
    use(a="configured")
    assert "configured" == get_secret("a")
    replaced = _default.replace_default_store(Store([Scripted({"a": "replaced"})]))
    assert "replaced" == get_secret("a")
    _default.replace_default_store(replaced)
    assert "configured" == get_secret("a")


def test_a_store_of_another_clock_is_read_on_that_clock() -> None:
    now = [1e12]
    resolver = Scripted({"a": "1"})
    _default.replace_default_store(Store([resolver], ttl=10, clock=lambda: now[0]))
    assert "1" == get_secret("a")
    resolver.answers["a"] = "2"
    now[0] += 9
    assert "1" == get_secret("a")
    now[0] += 1
    assert "2" == get_secret("a")


def test_invalidating_the_store_is_seen_by_the_functions() -> None:
    resolver = use(a="1")
    assert "1" == get_secret("a")
    resolver.answers["a"] = "2"
    default_store().invalidate("a")
    assert "2" == get_secret("a")


def test_closing_the_store_forgets_the_values() -> None:
    resolver = use(a="1")
    assert "1" == get_secret("a")
    resolver.answers["a"] = "2"
    default_store().close()
    assert "2" == get_secret("a")


@pytest.mark.parametrize("default", [None, "", 0, False, ValueError, print, []])
def test_a_default_is_returned_as_it_is_when_the_secret_is_not_there(default: object) -> None:
    use()
    assert default is get_secret("a", default=default)
    assert default is get_secret_bytes("a", default=default)


def test_a_default_is_not_used_when_the_secret_is_there_and_empty() -> None:
    use(a="")
    assert "" == get_secret("a", default="x")


def test_a_default_is_not_cached() -> None:
    use()
    assert ("x", "y") == (get_secret("a", default="x"), get_secret("a", default="y"))
    with pytest.raises(SecretNotFound):
        get_secret("a")


def test_a_default_is_not_used_on_an_error() -> None:
    use(a=AccessDenied("403"), b=b"\xff")
    for name, error in (("a", AccessDenied), ("b", TypeError), ("../c", InvalidReference)):
        with pytest.raises(error):
            get_secret(name, default="x")


def test_a_default_is_not_used_when_the_configuration_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETSOURCE_TTL", "soon")
    with pytest.raises(ConfigError):
        get_secret("a", default="x")


@pytest.mark.parametrize("name", ["../a", "", None, 5, b"a", ["a"], {}])
def test_what_is_no_name_asks_nobody(name: object) -> None:
    resolver = use(a="x")
    for read in (get_secret, get_secret_bytes, get_fields, secret):
        with pytest.raises(InvalidReference):
            read(name)
    with pytest.raises(InvalidReference):
        get_secrets([name])
    assert [] == resolver.asked


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_timeout_that_is_no_time_is_a_value_error(timeout: float) -> None:
    use(a="x")
    with pytest.raises(ValueError, match="timeout"):
        get_secret("a", timeout=timeout)


def test_bytes_are_exact() -> None:
    content = bytes(range(256))
    use(a=content)
    assert content == get_secret_bytes("a")
    assert MaskedBytes is type(get_secret_bytes("a"))


def test_text_as_bytes_is_utf_8() -> None:
    use(a="ä")
    assert "ä".encode() == get_secret_bytes("a")


def test_binary_content_as_text_is_a_type_error_without_it_also_from_the_cache() -> None:
    canary = secrets.token_hex()
    use(a=canary.encode() + b"\xff")
    for _ in range(2):
        with pytest.raises(TypeError, match="get_secret_bytes") as caught:
            get_secret("a")
        assert canary not in str(caught.value)


def test_several_secrets_come_in_the_order_they_were_asked_for_and_each_once() -> None:
    resolver = use(a="1", b="2", c="3")
    assert [("c", "3"), ("a", "1"), ("b", "2")] == list(
        get_secrets(name for name in ["c", "a", "c", "b", "a"]).items()
    )
    assert ["a", "b", "c"] == sorted(resolver.asked)


def test_no_names_give_no_secrets() -> None:
    use()
    assert {} == get_secrets([])


def test_a_single_name_in_the_place_of_several_is_refused() -> None:
    use(a="x")
    for read in (get_secrets, prefetch):
        with pytest.raises(InvalidReference, match="pass a list of names"):
            read("a")


def test_the_first_name_that_fails_is_raised_with_the_others_in_its_notes() -> None:
    use(a="1", c=AccessDenied("403"))
    with pytest.raises(SecretNotFound) as caught:
        get_secrets(["a", "b", "c", "d"])
    assert "b" == caught.value.name
    assert 2 == len(caught.value.__notes__)
    assert ["'c'", "'d'"] == [note.split()[1].rstrip(":") for note in caught.value.__notes__]


def test_what_was_found_beside_a_failure_is_cached() -> None:
    resolver = use(a="1")
    with pytest.raises(SecretNotFound):
        get_secrets(["a", "b"])
    resolver.asked.clear()
    assert "1" == get_secret("a")
    assert [] == resolver.asked


def test_binary_content_among_several_is_a_type_error() -> None:
    use(a="1", b=b"\xff")
    with pytest.raises(TypeError, match="'b' is binary"):
        get_secrets(["a", "b"])


def test_prefetch_fills_the_cache_also_with_binary_content() -> None:
    resolver = use(a="1", b=b"\xff")
    prefetch(["a", "b"])
    resolver.asked.clear()
    assert ("1", b"\xff") == (get_secret("a"), get_secret_bytes("b"))
    assert [] == resolver.asked


def test_fields_are_masked_and_cannot_be_changed() -> None:
    use(db={"user": "u", "password": "p"})
    fields = get_fields("db")
    assert {"user": "u", "password": "p"} == dict(fields)
    assert {MaskedStr} == {type(value) for value in fields.values()}
    with pytest.raises(TypeError):
        fields["user"] = MaskedStr("x")


def test_a_binary_field_is_a_type_error_that_names_it() -> None:
    use(db={"user": "u", "key": b"\xff"})
    with pytest.raises(TypeError, match=r"binary fields \(key\)"):
        get_fields("db")


async def test_a_coroutine_reads_the_same() -> None:
    resolver = use(a="x", b=b"\xff")
    assert "x" == await aget_secret("a") == get_secret("a")
    assert None is await aget_secret("missing", default=None)
    with pytest.raises(TypeError):
        await aget_secret("b")
    with pytest.raises(InvalidReference):
        await aget_secret("../a")
    assert 1 == resolver.asked.count("a")


def test_a_handle_reads_on_each_call() -> None:
    resolver = use(a="1")
    handle = secret("a")
    assert [] == resolver.asked
    assert "1" == handle()
    resolver.answers["a"] = "2"
    default_store().invalidate()
    assert "2" == handle()


def test_a_handle_holds_a_name_and_no_value() -> None:
    use(a="canary")
    handle = secret("a")
    assert "canary" == handle()
    assert "secret('a')" == repr(handle)
    assert handle == pickle.loads(pickle.dumps(handle)) == copy.deepcopy(handle)
    assert {handle: 1} == {secret("a"): 1}
    assert handle != secret("b")
    assert handle != "a"


def test_a_handle_of_a_reference_is_checked_when_it_is_made() -> None:
    assert "vault://kv/a#b" == secret("vault://kv/a#b").name
    with pytest.raises(InvalidReference):
        secret("vault://../a")


def in_threads(work: Callable[[], object], count: int = 16) -> list[object]:
    barrier = threading.Barrier(count)

    def start() -> object:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(start) for _ in range(count)]]


def test_sixteen_threads_build_one_store(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def build(config: object) -> Store:
        built.append(config)
        threading.Event().wait(0.05)
        return Store([Scripted({"a": "x"})])

    monkeypatch.setattr("secretsource._build.build_store", build)
    stores = in_threads(default_store)
    assert 1 == len(built)
    assert {default_store()} == set(stores)


def test_sixteen_threads_read_while_the_store_is_configured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "x")

    def work() -> set[str]:
        return {get_secret("a") for _ in range(50) if configure(chain=["env"])}

    assert [{"x"}] * 8 == in_threads(work, 8)


def test_a_child_that_is_forked_while_the_store_is_being_built_builds_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = """
import os, sys, threading
from secretsource import _default, get_secret
held, done = threading.Event(), threading.Event()
def hold():
    with _default._default.lock:
        held.set()
        done.wait(20)
threading.Thread(target=hold, daemon=True).start()
held.wait()
child = os.fork()
if child == 0:
    print(get_secret("a"), flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
done.set()
sys.exit(os.waitstatus_to_exitcode(status))
"""
    environment = {**os.environ, "A": "x"}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        capture_output=True,
        timeout=20,
        check=True,
    )
    assert b"x\n" == run.stdout


def test_a_child_keeps_the_cached_values(monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import os, sys
from secretsource import configure, get_secret
configure(chain=["env"], resolvers={"env": {"ttl": 300}})
value = get_secret("a")
del os.environ["A"]
child = os.fork()
if child == 0:
    os._exit(0 if get_secret("a") is value else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "A": "x"}, timeout=20, check=True)


def test_the_module_functions_are_what_the_package_exports() -> None:
    assert {name for name in _default.__all__ if name != "replace_default_store"} <= set(secretsource.__all__)
