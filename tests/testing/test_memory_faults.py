"""The resolver for tests denies, fails, hangs and talks nonsense when it is told to."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    DeadlineExceeded,
    Document,
    InvalidResponse,
    NotThere,
    Reason,
    ResolverError,
    SecretNotFound,
    Store,
)
from secretsource.resolvers import Answer, Deadline
from secretsource.testing import MemoryResolver


@pytest.fixture
def memory() -> MemoryResolver:
    return MemoryResolver({"a/b": "x", "c/d": "y"})


def ask(memory: MemoryResolver, name: str) -> Answer:
    return memory.fetch(memory.locate(name), Deadline(1))


def text(memory: MemoryResolver, name: str) -> str | None:
    answer = ask(memory, name)
    value = answer.pick(memory.locate(name).field) if isinstance(answer, Document) else None
    return None if value is None else str(value)


def test_one_document_is_denied_and_the_others_are_not(memory: MemoryResolver) -> None:
    memory.deny("a/b")
    with pytest.raises(AccessDenied):
        ask(memory, "a/other")
    assert "y" == text(memory, "c/d")


def test_everything_is_denied_until_it_recovers(memory: MemoryResolver) -> None:
    memory.deny()
    with pytest.raises(AccessDenied):
        ask(memory, "c/d")
    memory.recover()
    assert "y" == text(memory, "c/d")


def test_one_document_recovers(memory: MemoryResolver) -> None:
    memory.deny("a/b")
    memory.deny("c/d")
    memory.recover("a/b")
    assert "x" == text(memory, "a/b")
    with pytest.raises(AccessDenied):
        ask(memory, "c/d")


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (Reason.REFUSED, BackendUnavailable),
        (Reason.DNS, BackendUnavailable),
        (Reason.TLS, BackendUnavailable),
        (Reason.TIMEOUT, BackendUnavailable),
        (Reason.THROTTLED, BackendUnavailable),
        (Reason.SEALED, BackendUnavailable),
        (Reason.SERVER, BackendUnavailable),
        (Reason.BROKEN, InvalidResponse),
        (Reason.DENIED, AccessDenied),
        ("sealed", BackendUnavailable),
    ],
)
def test_it_fails_with_any_reason(
    memory: MemoryResolver, reason: Reason | str, kind: type[ResolverError]
) -> None:
    memory.fail(reason)
    with pytest.raises(kind) as caught:
        ask(memory, "a/b")
    assert reason == caught.value.reason


def test_a_failure_may_ask_us_to_wait(memory: MemoryResolver) -> None:
    memory.fail("throttled", "a/b", retry_after=3.5)
    with pytest.raises(BackendUnavailable) as caught:
        ask(memory, "a/b")
    assert 3.5 == caught.value.retry_after


def test_every_failure_is_an_error_of_its_own(memory: MemoryResolver) -> None:
    memory.fail("server")
    errors = []
    for _ in range(2):
        with pytest.raises(BackendUnavailable) as caught:
            ask(memory, "a/b")
        errors.append(caught.value)
    assert errors[0] is not errors[1]


@pytest.mark.parametrize("reason", ["missing", "deleted", "field", "no such reason"])
def test_not_there_is_no_failure(memory: MemoryResolver, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        memory.fail(reason)


def test_a_script_is_followed_and_its_last_answer_repeats(memory: MemoryResolver) -> None:
    memory.script("a/b", "one", None, BackendUnavailable(reason=Reason.SEALED), "two")
    assert "one" == text(memory, "a/b")
    assert None is text(memory, "a/b")
    with pytest.raises(BackendUnavailable):
        ask(memory, "a/b")
    assert ["two", "two"] == [text(memory, "a/b"), text(memory, "a/b")]


def test_scripted_values_are_new_versions_that_keep_the_other_fields(memory: MemoryResolver) -> None:
    memory.put("a/other", "kept")
    memory.script("a/b", "one", "two")
    answers = [ask(memory, "a/b") for _ in range(3)]
    assert ["3", "4", "4"] == [answer.version for answer in answers if isinstance(answer, Document)]
    assert "kept" == text(memory, "a/other")


def test_a_script_may_hold_ready_answers_and_nonsense(memory: MemoryResolver) -> None:
    ready = Document(fields={"b": "z"}, lease=1)
    memory.script("a/b", ready, NotThere(Reason.DELETED), KeyError, {"b": "z"})
    assert ready is ask(memory, "a/b")
    assert NotThere(Reason.DELETED) == ask(memory, "a/b")
    with pytest.raises(KeyError):
        ask(memory, "a/b")
    nonsense: object = ask(memory, "a/b")
    assert {"b": "z"} == nonsense


def test_a_script_needs_an_answer(memory: MemoryResolver) -> None:
    with pytest.raises(ValueError, match="needs an answer"):
        memory.script("a/b")


def test_a_script_ends_with_a_put_a_removal_or_a_recovery(memory: MemoryResolver) -> None:
    memory.script("a/b", None)
    memory.put("a/b", "new")
    assert "new" == text(memory, "a/b")
    memory.script("a/b", "scripted")
    memory.remove("a/b")
    assert None is text(memory, "a/b")
    memory.script("c/d", "scripted")
    memory.recover("c/d")
    assert "y" == text(memory, "c/d")


@pytest.mark.parametrize("nonsense", [ZeroDivisionError("x"), SystemExit(1), object(), {"b": 1}])
def test_a_store_takes_nonsense_for_a_broken_resolver(memory: MemoryResolver, nonsense: object) -> None:
    memory.script("a/b", nonsense)
    with Store([memory]) as store, pytest.raises(ResolverError, match="memory at a#b"):
        store.get("a/b")


def test_a_deletion_is_seen_by_a_store(memory: MemoryResolver) -> None:
    with Store([memory], ttl=0, negative_ttl=0) as store:
        assert "x" == store.get("a/b").value
        memory.remove("a/b")
        with pytest.raises(SecretNotFound):
            store.get("a/b")


def test_a_slow_answer_takes_its_time_whatever_the_deadline(memory: MemoryResolver) -> None:
    memory.delay = 0.05
    started = time.perf_counter()
    memory.fetch(memory.locate("a/b"), Deadline(0))
    assert 0.05 <= time.perf_counter() - started


def test_held_fetches_hang_and_go_on_after_the_block(memory: MemoryResolver) -> None:
    with Store([memory]) as store:
        with memory.held() as gate, pytest.raises(DeadlineExceeded):
            store.get("a/b", timeout=0.05)
        gate.wait_for(0)
        assert "x" == store.get("a/b").value


def test_a_gate_waits_until_fetches_are_held(memory: MemoryResolver) -> None:
    with ThreadPoolExecutor(2) as pool, memory.held() as gate:
        futures = [pool.submit(text, memory, name) for name in ("a/b", "c/d")]
        gate.wait_for(2)
        assert [False, False] == [future.done() for future in futures]
        gate.release()
        assert ["x", "y"] == [future.result(5) for future in futures]


def test_what_changes_while_a_fetch_is_held_is_its_answer(memory: MemoryResolver) -> None:
    with ThreadPoolExecutor(1) as pool, memory.held() as gate:
        future = pool.submit(text, memory, "a/b")
        gate.wait_for(1)
        memory.put("a/b", "meanwhile")
        gate.release()
        assert "meanwhile" == future.result(5)


def test_waiting_for_fetches_that_do_not_come_ends(memory: MemoryResolver) -> None:
    with memory.held() as gate, pytest.raises(TimeoutError, match="0 of 1"):
        gate.wait_for(1, timeout=0.01)


def test_held_fetches_go_on_after_an_exception(memory: MemoryResolver) -> None:
    thread = threading.Thread(target=ask, args=(memory, "a/b"), daemon=True)

    def test_that_fails() -> None:
        with memory.held() as gate:
            thread.start()
            gate.wait_for(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        test_that_fails()
    thread.join(5)
    assert not thread.is_alive()


def test_threads_that_ask_at_once_share_one_fetch(memory: MemoryResolver) -> None:
    with Store([memory]) as store, ThreadPoolExecutor(8) as pool, memory.held() as gate:
        futures = [pool.submit(store.get, "a/b") for _ in range(8)]
        gate.wait_for(1)
        gate.release()
        assert {"x"} == {future.result(5).value for future in futures}
    assert ["a"] == memory.calls
