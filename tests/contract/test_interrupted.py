"""Ctrl-C, or something slow, between the booking of a fetch and its departure: others do not hang on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from secretsource import Secret
from secretsource._flight import Flights
from tests.contract.worlds import TTL, World
from tests.fakes import BatchResolver, FakeResolver, eventually, in_threads, outcome

# What a caller may be about to do when Ctrl-C comes, and the reads of others meanwhile.
READS: dict[str, Callable[[World], object]] = {
    "get": lambda world: world.store.get("a"),
    "many": lambda world: world.store.get_many(["a", "b"]),
    "reject": lambda world: world.store.reject(world.store.get("c")),
}


@pytest.mark.parametrize("kind", [FakeResolver, BatchResolver])
@pytest.mark.parametrize("read", READS)
def test_who_waits_for_one_that_never_departs_asks_again(
    kind: type[FakeResolver], read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = kind()
    world = World(backend)
    world.backend = backend
    for name in "abc":
        world.rotate(name, "1")
    world.store.get("c")
    others: list[Secret | BaseException] = []

    def meanwhile() -> None:
        name = "c" if read == "reject" else "a"
        refused = world.store.get("c")
        others.append(
            outcome(lambda: world.store.reject(refused) if read == "reject" else world.store.get(name))
        )

    def interrupted(*_arguments: object) -> None:
        if thread.ident is None:
            thread.start()
            time.sleep(0.1)  # until it waits
        raise KeyboardInterrupt

    thread = threading.Thread(target=meanwhile)
    with monkeypatch.context() as patched:
        patched.setattr(Flights, "depart", interrupted)
        patched.setattr(Flights, "call_off", lambda *_: None)  # the next line that Ctrl-C may hit
        with pytest.raises(KeyboardInterrupt):
            READS[read](world)
    thread.join(3)
    assert not thread.is_alive()
    assert all(isinstance(each, Secret) for each in others), others


def test_a_slow_local_link_is_no_outage_of_the_others(caplog: pytest.LogCaptureFixture) -> None:
    local, backend = FakeResolver("files", local=True), FakeResolver()
    local.says["slow"] = lambda *_: time.sleep(0.8)
    world = World(local, backend)
    world.backend = backend
    world.rotate("a", "1")
    world.rotate("slow", "1")
    world.store.get("a")
    world.clock.advance(TTL)
    many = threading.Thread(target=lambda: world.store.get_many(["a", "slow"]))
    many.start()
    assert eventually(lambda: any(each.address == "slow" for each in local.calls))
    time.sleep(0.6)
    assert [False] * 4 == [
        each.stale for each in in_threads(4, lambda: world.store.get("a")) if isinstance(each, Secret)
    ]
    many.join()
    assert [] == caplog.records
