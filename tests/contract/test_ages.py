"""What a reader gets, by the age of the value."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from secretsource._chain import Link
from secretsource.errors import AccessDenied, BackendUnavailable, SecretNotFound
from secretsource.resolvers import Document
from tests.contract.worlds import MAX_STALE, NEGATIVE_TTL, TTL, WINDOW, World, down
from tests.fakes import FakeResolver, Gate, eventually, in_threads


@pytest.fixture
def world() -> World:
    world = World()
    world.rotate("a", "1")
    world.store.get("a")
    return world


@pytest.fixture
def switching_often() -> Iterator[None]:
    """Let threads interrupt one another as often as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def ages_of_refresh(life: float, *, lease: float | None = None) -> list[float]:
    """Return, for many documents, the age at which each one was refreshed, in steps of a hundredth of *life*."""
    world, names = World(ttl=life), [f"n{number}" for number in range(60)]
    for name in names:
        world.rotate(name, "1", lease=lease)
    world.store.get_many(names)
    ages: dict[str, float] = {}
    whole = min(life, lease or life)
    for hundredth in range(1, 100):
        world.clock.advance(whole / 100)
        for name in names:
            if name not in ages:
                world.store.get(name)
        world.settled()
        fetched = [each.address for each in world.backend.calls]
        ages |= {name: hundredth / 100 for name in names if name not in ages and fetched.count(name) > 1}
    return list(ages.values())


def test_a_young_value_costs_no_call(world: World) -> None:
    world.clock.advance(0.71 * TTL)
    assert "1" == world.version()
    world.settled()
    assert 1 == world.calls


def test_in_the_window_readers_get_the_value_and_one_refresh_runs_behind_them(world: World) -> None:
    gate = Gate(Document(value="x", version="2"))
    world.backend.says["a"] = gate
    world.clock.advance(WINDOW)
    assert {"1"} == set(in_threads(16, world.version))
    gate.wait_until_entered()
    assert {"1"} == set(in_threads(16, world.version))
    assert 2 == world.calls
    gate.open()
    world.settled()
    assert ("2", 2) == (world.version(), world.calls)


@pytest.mark.usefixtures("switching_often")
def test_a_fast_refresh_is_one_call_too() -> None:
    for _ in range(60):
        world = World()
        world.rotate("a", "1")
        world.store.get("a")
        world.clock.advance(WINDOW)
        in_threads(16, world.version)
        world.settled()
        assert 2 == world.calls


@pytest.mark.usefixtures("switching_often")
def test_a_fast_cold_fetch_is_one_call_too() -> None:
    for _ in range(60):
        world = World()
        world.rotate("a", "1")
        in_threads(16, world.version)
        world.settled()
        assert 1 == world.calls


def test_a_value_in_the_window_is_not_stale(world: World) -> None:
    gate = Gate(None)
    world.backend.says["a"] = gate
    world.clock.advance(WINDOW)
    secret = world.store.get("a")
    assert (False, WINDOW) == (secret.stale, secret.age)
    gate.open()


def test_at_the_ttl_all_readers_wait_for_one_fetch(world: World) -> None:
    world.rotate("a", "2")
    world.clock.advance(TTL)
    assert {"2"} == set(in_threads(16, world.version))
    assert 2 == world.calls


def test_up_to_the_ttl_it_is_no_older_than_that(world: World) -> None:
    world.backend.says["a"] = down()
    world.clock.advance(TTL - 0.001)
    assert not world.store.get("a").stale
    world.settled()
    world.clock.advance(0.001)
    assert world.store.get("a").stale


def test_a_backend_that_is_down_at_the_ttl_gets_the_old_value_served_as_stale(world: World) -> None:
    world.backend.says["a"] = down()
    world.clock.advance(TTL + MAX_STALE - 0.001)
    secret = world.store.get("a")
    assert ("1", True) == (secret.version, secret.stale)
    assert pytest.approx(TTL + MAX_STALE - 0.001) == secret.age


def test_past_max_stale_the_error_is_raised(world: World) -> None:
    world.backend.says["a"] = down()
    world.clock.advance(TTL)
    assert world.store.get("a").stale
    world.clock.advance(MAX_STALE)
    for _ in range(3):
        with pytest.raises(BackendUnavailable):
            world.store.get("a")


def test_the_last_direct_entry_of_a_stale_value_ends_with_max_stale(world: World) -> None:
    world.backend.says["a"] = down()
    world.clock.advance(TTL + MAX_STALE - 0.1)
    assert world.store.get("a").stale
    world.clock.advance(0.1)
    with pytest.raises(BackendUnavailable):
        world.store.get("a")


def test_the_age_grows_with_the_clock_and_counts_from_the_question(world: World) -> None:
    def slow(*_: object) -> Document:
        world.clock.advance(7)
        return Document(value="x")

    world.backend.says["b"] = slow
    secret = world.store.get("b")
    assert 7 == secret.age
    world.clock.advance(3)
    assert 10 == secret.age


def test_refresh_points_are_spread_around_four_fifths_of_the_ttl() -> None:
    ages = ages_of_refresh(TTL)
    assert (60, True) == (len(ages), all(0.72 <= age <= 0.89 for age in ages))
    assert max(ages) - min(ages) > 0.08


def test_refresh_points_of_a_lease_are_spread_around_two_thirds_of_it() -> None:
    ages = ages_of_refresh(10 * TTL, lease=TTL)
    assert (60, True) == (len(ages), all(0.60 <= age <= 0.74 for age in ages))
    assert max(ages) - min(ages) > 0.06


def test_a_ttl_shorter_than_the_lease_decides() -> None:
    ages = ages_of_refresh(TTL, lease=10 * TTL)
    assert all(0.72 <= age <= 0.89 for age in ages)


class TestLease:
    @pytest.mark.parametrize("hanging", [False, True])
    def test_nothing_is_served_past_its_end(self, hanging: bool) -> None:
        world = World(stale_wait=0, timeout=0.05)
        world.rotate("a", "1", lease=60)
        world.store.get("a")
        gate = Gate(down())
        world.backend.says["a"] = gate if hanging else down()
        world.clock.advance(59.999)
        assert "1" == world.version()
        world.clock.advance(0.001)
        for _ in range(2):
            with pytest.raises(BackendUnavailable):
                world.store.get("a")
        gate.open()

    def test_a_denial_at_its_renewal_ends_it_at_once(self) -> None:
        world = World()
        world.rotate("a", "1", lease=60)
        world.store.get("a")
        world.backend.says["a"] = AccessDenied()
        world.clock.advance(50)
        world.store.get("a")
        world.settled()
        with pytest.raises(AccessDenied):
            world.store.get("a")

    def test_a_lease_of_the_new_version_counts(self) -> None:
        world = World()
        world.rotate("a", "1", lease=60)
        world.store.get("a")
        world.rotate("a", "2", lease=30)
        assert (60, 30) == (world.store.get("a").lease, world.store.get("a", refresh=True).lease)
        world.backend.says["a"] = down()
        world.clock.advance(30)
        with pytest.raises(BackendUnavailable):
            world.store.get("a")


class TestNotThere:
    def test_it_is_believed_for_the_negative_ttl(self) -> None:
        world = World()
        for _ in range(3):
            with pytest.raises(SecretNotFound):
                world.store.get("a")
        assert 1 == world.calls
        world.rotate("a", "1")
        world.clock.advance(NEGATIVE_TTL)
        assert "1" == world.version()

    def test_a_field_that_is_not_there_is_believed_no_longer(self) -> None:
        backend = FakeResolver(fields=True)
        world = World(backend)
        backend.says["db"] = Document(fields={"user": "x"})
        world.store.get("db/user")
        with pytest.raises(SecretNotFound):
            world.store.get("db/password")
        backend.says["db"] = Document(fields={"user": "x", "password": "y"})
        world.clock.advance(NEGATIVE_TTL)
        assert "y" == world.store.get("db/password").value

    def test_an_outage_then_is_an_outage_and_no_absence(self) -> None:
        world = World()
        with pytest.raises(SecretNotFound):
            world.store.get("a")
        world.backend.says["a"] = down()
        world.clock.advance(NEGATIVE_TTL)
        for _ in range(3):
            with pytest.raises(BackendUnavailable):
                world.store.get("a", default=None)
            world.clock.advance(1)


class TestLinksInFront:
    def test_a_value_behind_an_outage_with_an_old_answer_is_marked_as_stale(self) -> None:
        front, back = FakeResolver("front"), FakeResolver("back")
        world = World(front, back)
        back.says["a"] = Document(value="x")
        assert not world.store.get("a").stale
        front.says["a"] = down()
        world.clock.advance(NEGATIVE_TTL)
        assert ("back", True) == (world.store.get("a").source, world.store.get("a").stale)
        front.says["a"] = None
        world.clock.advance(2)
        world.store.get("a")
        assert eventually(lambda: not world.store.get("a").stale)

    def test_a_link_in_front_that_denies_is_heard_at_once(self) -> None:
        front, back = FakeResolver("front"), FakeResolver("back")
        world = World(front, back)
        back.says["a"] = Document(value="x")
        world.store.get("a")
        front.says["a"] = AccessDenied()
        world.clock.advance(NEGATIVE_TTL)
        with pytest.raises(AccessDenied):
            world.store.get("a")

    def test_each_link_has_its_own_times(self) -> None:
        front, back = FakeResolver("front"), FakeResolver("back")
        world = World(front, Link(back, ttl=10, max_stale=20))
        front.says["a"] = back.says["b"] = Document(value="x")
        world.store.get("a"), world.store.get("b")
        front.says["a"] = back.says["b"] = down()
        world.clock.advance(29.9)
        assert (False, True) == (world.store.get("a").stale, world.store.get("b").stale)
        world.clock.advance(0.1)
        with pytest.raises(BackendUnavailable):
            world.store.get("b")
