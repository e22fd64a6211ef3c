"""A child process: cached values stay, and nothing else of the parent is used. Each test is a program of its own."""

from __future__ import annotations

import threading

import pytest

from secretsource._fork import PerProcess, _resets, reset_in_child
from tests.fakes import in_threads, run_script

HEAD = """
import asyncio, os, signal, sys, threading, time, traceback, warnings
from secretsource import Store
from secretsource._fork import PerProcess
from secretsource.resolvers import Document
from tests.fakes import FakeResolver
warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
def in_child(act):
    # Run act in a child that is ended after ten seconds; print what it returned, or how it ended.
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        try:
            os.write(write, repr(act()).encode())
        except BaseException:
            os.write(write, traceback.format_exc().encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    status = os.waitpid(pid, 0)[1]
    print(said, "" if status == 0 else f"(ended with {status})", flush=True)
backend = FakeResolver()
for name in "abcdef":
    backend.says[name] = Document(value="of " + name)
gate = threading.Event()
entered = threading.Event()
def slow(*_):
    entered.set()
    gate.wait(20)
    return Document(value="late")
backend.says["slow"] = slow
store = Store([backend])
"""


def said_by(script: str) -> list[str]:
    done = run_script(HEAD + script)
    assert ("", 0) == (done.stderr, done.returncode), done.stdout
    return [line.strip() for line in done.stdout.splitlines()]


def test_a_cached_value_stays_and_a_new_name_is_fetched() -> None:
    assert ["('of a', 'of b', 2)", "of b"] == said_by(
        """
store.get("a")
in_child(lambda: (str(store.get("a").value), str(store.get("b").value), len(backend.calls)))
print(store.get("b").value)
"""
    )


def test_coroutines_of_a_child_fetch_too() -> None:
    assert ["'of b'"] == said_by(
        """
store.get("a")
in_child(lambda: str(asyncio.run(store.aget("b")).value))
"""
    )


def test_a_fetch_of_the_parent_in_flight_is_neither_joined_nor_waited_for() -> None:
    assert ["'new'", "late"] == said_by(
        """
reader = threading.Thread(target=lambda: print(store.get("slow").value))
reader.start()
entered.wait(5)
def child():
    backend.says["slow"] = Document(value="new")
    return str(store.get("slow", timeout=5).value)
in_child(child)
gate.set()
reader.join()
"""
    )


def test_workers_of_the_parent_do_not_count_in_the_child() -> None:
    assert ["['of a', 'of b', 'of c']"] == said_by(
        """
store = Store([backend], max_concurrency=1)
threading.Thread(target=lambda: store.get("slow"), daemon=True).start()
entered.wait(5)
in_child(lambda: [str(store.get(name, timeout=5).value) for name in "abc"])
gate.set()
"""
    )


@pytest.mark.parametrize(
    "lock",
    [
        "store._reads._cache._lock",
        "store._documents._flights._lock",
        "store._documents._flights._workers._lock",
    ],
)
def test_a_lock_that_another_thread_holds_is_not_held_in_the_child(lock: str) -> None:
    assert ["('of a', 'of b', 'of a', 'of b')", "of c"] == said_by(
        f"""
store.get("a")
held, release = threading.Event(), threading.Event()
def hold():
    with {lock}:
        held.set()
        release.wait(20)
holder = threading.Thread(target=hold)
holder.start()
held.wait(5)
def child():
    first = store.get("a"), store.get("b", timeout=5)
    store.invalidate("a")
    again = store.get("a", timeout=5), store.get("b", timeout=5)
    return tuple(str(each.value) for each in first + again)
in_child(child)
release.set()
holder.join()
print(store.get("c").value)
"""
    )


def test_grandchildren_and_busy_parents_work() -> None:
    assert ["'of b'", "'of c'"] * 10 == said_by(
        """
store.get("a")
stop = threading.Event()
def busy():
    while not stop.is_set():
        store.get("a", refresh=True)
        store.invalidate("d")
        store.get("d")
threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads:
    thread.start()
def child():
    in_child(lambda: str(store.get("b", timeout=5).value))
    return str(store.get("c", timeout=5).value)
for _ in range(10):
    in_child(child)
stop.set()
for thread in threads:
    thread.join()
"""
    )


def test_a_client_is_built_anew_in_the_child_and_the_inherited_one_neither_used_nor_closed() -> None:
    assert ["(True, True, [])", "[] True", "[('closed', True)]"] == said_by(
        """
events = []
class Client:
    def __init__(self):
        self.process = os.getpid()
    def __del__(self):
        events.append(("closed", self.process == os.getpid()))
clients = PerProcess(Client)
parents = id(clients.get())
def child():
    import gc
    mine = clients.get()
    gc.collect()
    return mine.process == os.getpid(), clients.get() is mine and id(mine) != parents, events
in_child(child)
print(events, clients.get().process == os.getpid())
clients.pop()
print(events)
"""
    )


def test_a_client_that_another_thread_builds_does_not_block_the_child() -> None:
    assert ["'of the child'", "of the parent"] == said_by(
        """
parent = os.getpid()
def build():
    if os.getpid() != parent:
        return "of the child"
    entered.set()
    gate.wait(20)
    return "of the parent"
clients = PerProcess(build)
builder = threading.Thread(target=clients.get)
builder.start()
entered.wait(5)
in_child(clients.get)
gate.set()
builder.join()
print(clients.get())
"""
    )


class TestPerProcess:
    def test_it_is_built_once_at_its_first_use_by_however_many_threads(self) -> None:
        built: list[object] = []

        def build() -> object:
            built.append(object())
            return built[-1]

        clients = PerProcess(build)
        assert [] == built
        assert {id(each) for each in in_threads(16, clients.get)} == {id(built[0])}
        assert 1 == len(built)

    def test_a_failure_to_build_is_raised_and_the_next_use_tries_again(self) -> None:
        answers = [ValueError("first"), None]

        def build() -> str:
            if (error := answers.pop(0)) is not None:
                raise error
            return "built"

        clients = PerProcess(build)
        with pytest.raises(ValueError, match="first"):
            clients.get()
        assert "built" == clients.get()

    def test_what_was_popped_is_built_again(self) -> None:
        numbers = iter(range(9))
        clients = PerProcess(lambda: next(numbers))
        assert clients.pop() is None
        assert (0, 0, 1) == (clients.get(), clients.pop(), clients.get())


def test_an_object_that_is_gone_is_reset_no_more_and_leaves_nothing_behind() -> None:
    clients = PerProcess(object)
    (number,) = [number for number, (owner, _) in _resets.items() if owner() is clients]
    del clients
    assert number not in _resets


def test_no_registration_is_lost_when_threads_register_at_once() -> None:
    class Thing:
        def reset(self) -> None: ...

    things = [Thing() for _ in range(400)]
    waiting, lock = list(things), threading.Lock()

    def register() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                thing = waiting.pop()
            reset_in_child(thing.reset)
            PerProcess(object)

    in_threads(8, register)
    assert 400 == sum(isinstance(owner(), Thing) for owner, _ in list(_resets.values()))


def test_a_reset_runs_once_in_each_child_and_never_in_the_parent() -> None:
    assert ["1", "1", "0"] == said_by(
        """
from secretsource._fork import reset_in_child
class Counter:
    resets = 0
    def reset(self):
        self.resets += 1
counter = Counter()
reset_in_child(counter.reset)
in_child(lambda: counter.resets)
in_child(lambda: counter.resets)
print(counter.resets)
"""
    )
