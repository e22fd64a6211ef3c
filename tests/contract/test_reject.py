"""Saying that a secret was refused."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from secretsource import MaskedStr, Secret, Store
from secretsource.errors import AccessDenied, BackendUnavailable, SecretNotFound
from secretsource.resolvers import Document
from secretsource.resolvers.env import EnvResolver
from tests.contract.worlds import MAX_STALE, TTL, WINDOW, World, down
from tests.fakes import FakeClock, FakeResolver, Gate, in_threads, outcome


@pytest.fixture
def world() -> World:
    world = World()
    world.rotate("a", "1")
    return world


@pytest.fixture
def refused(world: World) -> Secret:
    secret = world.store.get("a")
    world.backend.calls.clear()
    return secret


def test_32_threads_cause_one_refresh(world: World, refused: Secret) -> None:
    gate = Gate(Document(value="x", version="2"))
    world.backend.says["a"] = gate
    threading.Timer(0.1, gate.open).start()
    assert {"2"} == set(in_threads(32, lambda: world.store.reject(refused).version))
    assert 1 == world.calls


def test_32_threads_and_a_fast_backend_too(world: World, refused: Secret) -> None:
    world.rotate("a", "2")
    assert {"2"} == set(in_threads(32, lambda: world.store.reject(refused).version))
    assert 1 == world.calls


def test_threads_and_coroutines_together_cause_one(world: World, refused: Secret) -> None:
    gate = Gate(Document(value="x", version="2"))
    world.backend.says["a"] = gate
    threading.Timer(0.1, gate.open).start()

    async def crowd() -> set[str | None]:
        return {
            each.version for each in await asyncio.gather(*[world.store.areject(refused) for _ in range(50)])
        }

    said = in_threads(4, lambda: asyncio.run(crowd()))
    assert [{"2"}] * 4 == said
    assert 1 == world.calls


def test_a_key_that_stays_wrong_costs_fewer_and_fewer_calls_down_to_one_in_five_seconds(
    world: World, refused: Secret
) -> None:
    asked_at = []
    for eighth in range(50 * 8):
        before = world.calls
        assert "1" == world.store.reject(world.store.get("a")).version
        asked_at += [eighth / 8] * (world.calls - before)
        world.clock.advance(1 / 8)
    assert [
        0,
        0.25,
        0.75,
        1.75,
        3.75,
        7.75,
        12.75,
        17.75,
        22.75,
        27.75,
        32.75,
        37.75,
        42.75,
        47.75,
    ] == asked_at


def test_a_minute_later_it_counts_as_refused_for_the_first_time(world: World, refused: Secret) -> None:
    for _ in range(12):
        world.store.reject(refused)
        world.clock.advance(5)
    world.backend.calls.clear()
    world.store.reject(refused)
    world.clock.advance(0.5)
    world.rotate("a", "2")
    assert ("2", 2) == (world.store.reject(refused).version, world.calls)


def test_each_rotation_counts_as_the_first_one(world: World, refused: Secret) -> None:
    secret = refused
    for version in range(2, 20):
        assert secret.version == world.store.reject(secret).version  # the other step has not come yet
        world.clock.advance(0.5)
        world.rotate("a", str(version))
        secret = world.store.reject(secret)
        assert str(version) == secret.version
        world.clock.advance(0.5)


def test_what_is_lent_is_asked_for_once_in_five_seconds_as_each_answer_is_a_new_one(world: World) -> None:
    for number in range(100):
        world.backend.says["a"] = Document(value="x", version=str(number), lease=600)
        world.store.reject(world.store.get("a"))
        world.clock.advance(0.1)
    assert 1 + 2 == world.calls


def test_an_outage_is_asked_of_once_in_five_seconds(world: World, refused: Secret) -> None:
    world.backend.says["a"] = down()
    for _ in range(100):
        outcome(lambda: world.store.reject(refused))
        world.clock.advance(0.1)
    assert world.calls <= 2 + 10  # and the attempts that any outage gets


@pytest.mark.parametrize("age", [TTL, TTL + 1])
def test_also_when_its_ttl_is_over(world: World, refused: Secret, age: float) -> None:
    world.clock.advance(age)
    assert "1" == world.store.reject(refused).version
    assert 1 == world.calls


def test_another_version_in_the_cache_is_returned_without_a_call(world: World, refused: Secret) -> None:
    world.change("a", "2")
    world.backend.calls.clear()
    assert "2" == world.store.reject(refused).version
    assert 0 == world.calls


def test_a_much_older_secret_does_not_cause_one_either(world: World, refused: Secret) -> None:
    for version in "234":
        world.change("a", version)
    world.backend.calls.clear()
    assert ["4"] * 10 == [world.store.reject(refused).version for _ in range(10)]
    assert 0 == world.calls


def test_the_new_version_can_be_refused_as_well_but_not_at_once(world: World, refused: Secret) -> None:
    world.rotate("a", "2")
    newer = world.store.reject(refused)
    world.rotate("a", "3")
    assert "2" == world.store.reject(newer).version
    world.clock.advance(5)
    assert "3" == world.store.reject(newer).version
    assert 2 == world.calls


def test_the_limit_is_one_of_each_document(world: World, refused: Secret) -> None:
    world.rotate("b", "1")
    other = world.store.get("b")
    world.rotate("a", "2"), world.rotate("b", "2")
    assert ("2", "2") == (world.store.reject(refused).version, world.store.reject(other).version)


def test_two_names_of_one_document_share_it() -> None:
    backend = FakeResolver(fields=True)
    backend.says["db"] = Document(fields={"user": "u", "password": "p"}, version="1")
    store = Store([backend], clock=FakeClock())
    user, password = store.get("db/user"), store.get("db/password")
    assert ("1", "1") == (store.reject(user).version, store.reject(password).version)
    assert 2 == len(backend.calls)


def test_a_value_that_changed_under_the_same_version_is_another(world: World) -> None:
    world.backend.says["a"] = Document(value="x")
    secret = world.store.get("a")
    world.backend.says["a"] = Document(value="y")
    assert "y" == world.store.reject(secret).value


def test_readers_get_the_new_version_afterwards(world: World, refused: Secret) -> None:
    world.rotate("a", "2")
    world.store.reject(refused)
    assert ("2", 1) == (world.version(), world.calls)


def test_it_joins_no_fetch_that_began_before(world: World, refused: Secret) -> None:
    gate = Gate(Document(value="x", version="1"))
    world.backend.says["a"] = gate
    world.clock.advance(WINDOW)
    world.store.get("a")
    gate.wait_until_entered()
    world.rotate("a", "2")
    assert "2" == world.store.reject(refused).version
    gate.open()
    world.settled()
    assert "2" == world.version()


class TestMeanwhile:
    def test_a_denial_is_told_to_all(self, world: World, refused: Secret) -> None:
        world.backend.says["a"] = AccessDenied()
        assert {AccessDenied} == {type(each) for each in in_threads(8, lambda: world.store.reject(refused))}
        with pytest.raises(AccessDenied):
            world.store.get("a")

    def test_a_deletion_is_told(self, world: World, refused: Secret) -> None:
        world.backend.says["a"] = None
        with pytest.raises(SecretNotFound):
            world.store.reject(refused)

    def test_an_outage_is_told_to_who_waited_and_costs_one_call(self, world: World, refused: Secret) -> None:
        gate = Gate(down())
        world.backend.says["a"] = gate
        threading.Timer(0.1, gate.open).start()
        said = in_threads(16, lambda: world.store.reject(refused))
        assert 1 == world.calls
        assert BackendUnavailable in {type(each) for each in said}
        assert {BackendUnavailable, Secret} >= {type(each) for each in said}

    def test_an_outage_takes_the_value_from_nobody_else(self, world: World, refused: Secret) -> None:
        world.backend.says["a"] = down()
        with pytest.raises(BackendUnavailable):
            world.store.reject(refused)
        assert "1" == world.version()

    def test_a_hung_backend_holds_it_no_longer_than_its_timeout(self, world: World, refused: Secret) -> None:
        gate = Gate(down())
        world.backend.says["a"] = gate
        assert isinstance(outcome(lambda: world.store.reject(refused, timeout=0.05)), BackendUnavailable)
        gate.open()

    def test_it_is_no_way_past_max_stale(self, world: World, refused: Secret) -> None:
        world.backend.says["a"] = down()
        world.clock.advance(TTL + MAX_STALE)
        for _ in range(3):
            with pytest.raises(BackendUnavailable):
                world.store.reject(refused)

    def test_invalidate_is_no_obstacle(self, world: World, refused: Secret) -> None:
        world.store.invalidate("a")
        world.rotate("a", "2")
        assert "2" == world.store.reject(refused).version
        assert 1 == world.calls

    def test_a_link_in_front_that_has_it_now_goes_first(self) -> None:
        front, back, clock = FakeResolver("front"), FakeResolver("back"), FakeClock()
        back.says["a"] = Document(value="x")
        store = Store([front, back], clock=clock)
        secret = store.get("a")
        front.says["a"] = Document(value="y")
        clock.advance(5)
        assert "front" == store.reject(secret).source


def test_an_edit_of_a_local_file_is_seen_at_once() -> None:
    backend = FakeResolver(local=True)
    backend.says["a"] = Document(value="x")
    store = Store([backend], clock=FakeClock())
    secret = store.get("a")
    backend.says["a"] = Document(value="y")
    assert "y" == store.reject(secret).value


@pytest.mark.parametrize("wrong", [None, "the name", MaskedStr("the value")])
def test_what_is_no_secret_is_refused_without_being_shown(world: World, wrong: Any) -> None:
    for reject in (world.store.reject, lambda x: asyncio.run(world.store.areject(x))):
        with pytest.raises(
            TypeError, match=r"reject takes the Secret that Store\.get returned, not"
        ) as caught:
            reject(wrong)
        assert "the value" not in str(caught.value)


class TestWaiting:
    """A rotation changes a key at two places, one after the other: who is refused in between waits."""

    @pytest.fixture
    def world(self) -> World:
        backend = FakeResolver()
        backend.says["a"] = Document(value="x", version="1")
        world = World()
        world.backend = backend
        world.store = Store([backend])  # it waits on the real clock
        return world

    @pytest.fixture
    def refused(self, world: World) -> Secret:
        return world.store.get("a")

    def rotate_later(self, world: World, seconds: float) -> None:
        threading.Timer(seconds, world.rotate, ["a", "2"]).start()

    def test_a_thread_waits(self, world: World, refused: Secret) -> None:
        self.rotate_later(world, 0.3)
        assert "2" == world.store.reject(refused, wait=10).version

    async def test_a_coroutine_waits(self, world: World, refused: Secret) -> None:
        self.rotate_later(world, 0.3)
        assert "2" == (await world.store.areject(refused, wait=10)).version

    def test_attempts_wait(self, world: World, refused: Secret) -> None:
        self.rotate_later(world, 0.3)
        tried = []
        for attempt in world.store.attempts("a", on=PermissionError, wait=10):
            with attempt as secret:
                tried.append(secret.version)
                if secret.version == "1":
                    raise PermissionError
        assert ["1", "2"] == tried

    def test_a_crowd_waits_together(self, world: World, refused: Secret) -> None:
        self.rotate_later(world, 0.6)
        assert {"2"} == set(in_threads(32, lambda: world.store.reject(refused, wait=10).version))
        assert len(world.backend.calls) <= 1 + 4

    def test_it_ends_with_the_same_if_there_is_no_other(self, world: World, refused: Secret) -> None:
        begin = time.monotonic()
        assert "1" == world.store.reject(refused, wait=0.3).version
        assert 0.3 <= time.monotonic() - begin < 5

    def test_nobody_waits_for_a_key_that_has_been_wrong_for_that_long(
        self, world: World, refused: Secret
    ) -> None:
        world.store.reject(refused, wait=0.3)
        begin = time.monotonic()
        for _ in range(100):
            world.store.reject(refused, wait=0.3)
        assert time.monotonic() - begin < 0.3

    def test_at_the_next_rotation_one_waits_as_long_again(self, world: World, refused: Secret) -> None:
        secret = refused
        for version in ("2", "3", "4"):
            threading.Timer(0.3, world.rotate, ["a", version]).start()
            secret = world.store.reject(secret, wait=0.9)
            assert version == secret.version

    def test_nobody_waits_without_being_asked_to(self, world: World, refused: Secret) -> None:
        begin = time.monotonic()
        world.store.reject(refused)
        assert time.monotonic() - begin < 0.1

    def test_nobody_waits_while_there_is_another(self, world: World, refused: Secret) -> None:
        world.rotate("a", "2")
        assert "2" == world.store.reject(refused, wait=1e9).version

    def test_a_failure_ends_it(self, world: World, refused: Secret) -> None:
        world.backend.says["a"] = down()
        with pytest.raises(BackendUnavailable):
            world.store.reject(refused, wait=1e9)

    def test_a_clock_that_stands_still_does_not_hold_it(self) -> None:
        world = World()
        world.rotate("a", "1")
        assert "1" == world.store.reject(world.store.get("a"), wait=0.2).version

    @pytest.mark.parametrize("ttl", [0, 300])
    def test_one_waits_also_where_the_refused_value_is_not_kept_any_more(
        self, world: World, ttl: float
    ) -> None:
        store = Store([world.backend], ttl=ttl)
        refused = store.get("a")
        store.invalidate("a")
        self.rotate_later(world, 0.3)
        assert "2" == store.reject(refused, wait=10).version

    def test_a_value_that_is_never_kept_and_stays_wrong_holds_nobody_up_later(self, world: World) -> None:
        store = Store([world.backend], ttl=0)
        refused = store.get("a")
        store.reject(refused, wait=0.3)
        begin = time.monotonic()
        for _ in range(10):
            store.reject(refused, wait=0.3)
        assert time.monotonic() - begin < 0.3

    def test_local_resolvers_are_looked_at_again_and_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A_KEY", "old")
        store = Store([EnvResolver()])
        refused = store.get("a_key")
        threading.Timer(0.3, monkeypatch.setenv, ["A_KEY", "new"]).start()
        assert "new" == store.reject(refused, wait=10).value

    def test_a_local_value_that_stays_wrong_holds_nobody_up_later(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("A_KEY", "old")
        store = Store([EnvResolver()])
        refused = store.get("a_key")
        store.reject(refused, wait=0.3)
        begin = time.monotonic()
        store.reject(refused, wait=0.3)
        assert time.monotonic() - begin < 0.2

    @pytest.mark.parametrize("wrong", [-1, float("nan"), "1", None])
    def test_what_is_no_number_of_seconds_is_an_error(
        self, world: World, refused: Secret, wrong: Any
    ) -> None:
        for call in (
            lambda: world.store.reject(refused, wait=wrong),
            lambda: world.store.attempts("a", on=ValueError, wait=wrong),
        ):
            with pytest.raises(ValueError, match="wait must be 0 seconds or more"):
                call()
