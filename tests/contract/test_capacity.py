"""What is kept, how much of it, and what nothing keeps alive."""

from __future__ import annotations

from functools import partial
from secrets import token_hex

import pytest

from secretsource import Store
from secretsource.errors import AccessDenied
from secretsource.resolvers import Document
from tests.contract.worlds import MAX_STALE, NEGATIVE_TTL, TTL, World, down, versions_alive
from tests.fakes import FakeClock, FakeResolver, eventually, outcome


def asked(world: World, name: str) -> int:
    return [each.address for each in world.backend.calls].count(name)


class TestWhichGoesFirst:
    def test_no_more_than_max_entries_are_kept(self) -> None:
        world = World(max_entries=10)
        for number in range(100):
            world.rotate(f"n{number}", "1")
            world.store.get(f"n{number}")
            assert len(world.store._documents._cache) <= 10

    def test_what_is_in_use_stays(self) -> None:
        world = World(max_entries=10)
        world.rotate("used", "1")
        for number in range(200):
            world.store.get("used")
            world.rotate(f"n{number}", "1")
            world.store.get(f"n{number}")
        assert 1 == asked(world, "used")

    def test_what_is_not_goes_in_the_order_in_which_it_came(self) -> None:
        world = World(max_entries=4)
        for name in "abcde":
            world.rotate(name, "1")
            world.store.get(name)
        for name in "bcde":
            world.store.get(name)
        assert [1, 1, 1, 1, 1] == [asked(world, name) for name in "abcde"]
        world.store.get("a")
        assert 2 == asked(world, "a")

    def test_what_was_in_use_long_ago_goes(self) -> None:
        world = World(max_entries=4)
        for name in ["old", *"abcdefghijkl"]:
            world.rotate(name, "1")
            world.store.get(name)
            if name == "old":
                world.store.get(name)
        world.store.get("old")
        assert 2 == asked(world, "old")

    def test_a_refresh_evicts_nobody(self) -> None:
        world = World(max_entries=3)
        for name in "abc":
            world.rotate(name, "1")
            world.store.get(name)
        for _ in range(5):
            world.store.get("a", refresh=True)
        assert [6, 1, 1] == [asked(world, name) for name in "abc"]
        world.store.get_many(list("abc"))
        assert [6, 1, 1] == [asked(world, name) for name in "abc"]

    def test_what_went_is_not_found_by_its_direct_entry(self) -> None:
        world = World(max_entries=1)
        for name in "ab":
            world.rotate(name, "1")
            world.store.get(name)
        assert ["b"] == list(world.store._hits)


@pytest.fixture
def mark() -> str:
    """What the versions of one test begin with, so that its documents can be told from others."""
    return token_hex(8)


class TestWhatIsDropped:
    def test_an_expired_value_goes_without_any_write(self, mark: str) -> None:
        world = World()
        world.rotate("a", mark)
        world.rotate("b", "1")
        world.store.get("b")
        world.store.get("a")
        world.backend.says.clear()
        world.clock.advance(TTL + MAX_STALE)
        outcome(lambda: world.store.get("b"))
        assert [] == versions_alive(mark)

    def test_hits_of_another_name_are_enough(self, mark: str) -> None:
        world = World(ttl=TTL)
        store = Store([world.backend], ttl=10_000, max_stale=0, clock=world.clock)
        world.rotate("a", mark, lease=50)
        world.rotate("b", "1")
        store.get("a"), store.get("b")
        world.backend.says.clear()
        for _ in range(115):
            world.clock.advance(1)
            store.get("b")
        assert 2 == world.calls
        assert [] == versions_alive(mark)

    def test_a_lease_that_is_over_goes(self, mark: str) -> None:
        world = World()
        world.rotate("a", mark, lease=20)
        world.rotate("b", "1")
        world.store.get("a")
        world.backend.says.pop("a")
        world.clock.advance(20)
        world.store.get("b")
        assert [] == versions_alive(mark)

    @pytest.mark.parametrize("answer", [AccessDenied(), None], ids=["denied", "deleted"])
    def test_a_value_that_may_not_be_served_goes_at_once(self, mark: str, answer: object) -> None:
        world = World()
        world.rotate("a", mark)
        world.store.get("a")
        world.backend.says["a"] = answer
        outcome(lambda: world.store.get("a", refresh=True))
        assert eventually(lambda: [] == versions_alive(mark))

    @pytest.mark.parametrize("how", ["invalidate", "invalidate one", "close", "replace"])
    def test_nothing_else_keeps_what_is_forgotten(self, mark: str, how: str) -> None:
        world = World()
        world.rotate("a", mark)
        world.store.get("a")
        world.store.get_many(["a"], refresh=True)
        world.backend.says["a"] = down()
        outcome(lambda: world.store.get("a", refresh=True))
        world.rotate("a", mark)
        world.store.get("a", refresh=True)
        world.backend.says.clear()
        if how == "invalidate":
            world.store.invalidate()
        elif how == "invalidate one":
            world.store.invalidate("a")
        elif how == "close":
            world.store.close()
        else:
            outcome(lambda: world.store.get("a", refresh=True))
        assert eventually(lambda: [] == versions_alive(mark))

    @pytest.mark.parametrize("how", ["invalidate", "close", "expire"])
    def test_also_not_a_rejection(self, mark: str, how: str) -> None:
        world = World()
        world.rotate("a", mark + "1")
        world.rotate("b", "1")
        secret = world.store.get("a")
        world.rotate("a", mark + "2")
        world.store.reject(secret)
        del secret
        world.backend.says.pop("a")
        if how == "invalidate":
            world.store.invalidate()
        elif how == "close":
            world.store.close()
        else:
            world.clock.advance(TTL + MAX_STALE)
            world.store.get("b")
        assert eventually(lambda: [] == versions_alive(mark))

    def test_a_dropped_store_takes_its_values_along(self, mark: str) -> None:
        backend = FakeResolver()
        backend.says["a"] = Document(value="x", version=mark)
        store = Store([backend], clock=FakeClock())
        store.get("a"), store.get_many(["a"])
        backend.says.clear()
        del store
        assert eventually(lambda: [] == versions_alive(mark))


class TestBounds:
    """However long a process runs and whatever it asks for, nothing grows without an end."""

    def tables(self, world: World) -> dict[str, int]:
        documents, cache = world.store._documents, world.store._documents._cache
        outages = documents._outages
        return {
            "hits": len(world.store._hits),
            "documents": len(cache),
            "gone": len(cache._gone),
            "flying": len(documents._flights._flying),
            "renewals": len(documents.refusals),
            "failing": sum(len(each.failing) for each in outages._links.values()),
            "links": len(outages._links),
            "lifetimes": len(documents._lifetimes),
            "watches": len(world.store._rotations._watches),
        }

    def test_of_names_that_are_there(self) -> None:
        world = World(max_entries=8)
        for number in range(300):
            world.rotate(f"n{number}", "1")
            world.store.get(f"n{number}")
        assert max(self.tables(world).values()) <= 4 * 8

    def test_of_names_that_are_not(self) -> None:
        world = World(max_entries=8)
        for number in range(300):
            outcome(partial(world.store.get, f"n{number}"))
        assert max(self.tables(world).values()) <= 4 * 8

    def test_of_names_that_are_denied_or_down(self) -> None:
        world = World(max_entries=8)
        for number in range(300):
            world.backend.says[f"n{number}"] = AccessDenied() if number % 2 else down()
            outcome(partial(world.store.get, f"n{number}"))
        assert max(self.tables(world).values()) <= 4 * 8

    def test_of_many_fields_of_one_document(self) -> None:
        backend = FakeResolver(fields=True)
        world = World(backend, max_entries=8)
        backend.says["db"] = Document(fields={f"n{number}": "x" for number in range(300)})
        for number in range(300):
            world.store.get(f"db/n{number}")
            outcome(partial(world.store.get, f"db/no{number}"))
        assert max(self.tables(world).values()) <= 4 * 8

    def test_of_refused_ones(self) -> None:
        world = World(max_entries=8)
        for number in range(300):
            world.rotate(f"n{number}", "1")
            secret = world.store.get(f"n{number}")
            world.store.reject(secret)
            world.clock.advance(1)
        assert max(self.tables(world).values()) <= 4 * 8

    def test_of_refused_ones_in_one_moment(self) -> None:
        world = World(max_entries=8)
        for number in range(300):
            world.rotate(f"n{number}", "1")
            world.store.reject(world.store.get(f"n{number}"))
        world.clock.advance(5)
        world.store.reject(world.store.get("n299"))
        assert max(self.tables(world).values()) <= 4 * 8

    def test_of_outages_of_single_documents(self) -> None:
        world = World(max_entries=8)
        for number in range(300):
            name = f"n{number}"
            world.rotate(name, "1")
            world.store.get(name)
            world.backend.says[name] = down()
            outcome(partial(world.store.get, name, refresh=True))
            world.clock.advance(1)
        world.clock.advance(TTL)
        assert max(self.tables(world).values()) <= 4 * 8 + 120 + 60

    def test_of_invalidated_ones(self) -> None:
        world = World(max_entries=8)
        for number in range(300):
            world.rotate(f"n{number}", "1")
            world.store.get(f"n{number}")
            world.store.invalidate(f"n{number}")
        assert max(self.tables(world).values()) <= 4 * 8

    def test_of_watches_that_were_stopped(self) -> None:
        world = World(max_entries=8)
        for number in range(50):
            world.store.on_rotation(f"n{number}", print)()
        assert 0 == self.tables(world)["watches"]
        world.store.close()


def test_not_there_costs_no_memory_past_its_time() -> None:
    world = World()
    for number in range(50):
        outcome(partial(world.store.get, f"n{number}"))
    world.clock.advance(NEGATIVE_TTL + MAX_STALE)
    outcome(lambda: world.store.get("last"))
    assert 1 == len(world.store._documents._cache)
