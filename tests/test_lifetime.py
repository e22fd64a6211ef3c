from __future__ import annotations

import pytest

from secretsource._chain import Link
from secretsource._entries import Entry, entry_of
from secretsource._lifetime import LOCAL_TTL, Lifetime, refresh_after
from secretsource._secret import Document, NotThere
from secretsource.errors import Reason
from secretsource.resolvers import Location
from tests.fakes import FakeResolver

HERE = Location(address="a")
STORE = Lifetime(ttl=100, max_stale=60, negative_ttl=5)


def entry(*, lease: float | None = None, number: int = 1) -> Entry:
    return entry_of(Document(value="x", lease=lease), fetched_at=1000, number=number)


def not_there() -> Entry:
    return entry_of(NotThere(Reason.MISSING), fetched_at=1000, number=1)


def times(lifetime: Lifetime) -> tuple[float, float, float]:
    return lifetime.ttl, lifetime.max_stale, lifetime.negative_ttl


class TestRefreshAfter:
    @pytest.mark.parametrize(("jitter", "seconds"), [(-1, 72), (0, 80), (1, 88)])
    def test_it_is_four_fifths_of_the_ttl_a_tenth_more_or_less(self, jitter: int, seconds: float) -> None:
        assert pytest.approx(seconds) == refresh_after(100, jitter=jitter)

    @pytest.mark.parametrize(("jitter", "seconds"), [(-1, 36), (0, 40), (1, 44)])
    def test_it_is_two_thirds_of_a_lease_that_ends_sooner(self, jitter: int, seconds: float) -> None:
        assert pytest.approx(seconds) == refresh_after(100, 60, jitter=jitter)

    def test_a_long_lease_changes_nothing(self) -> None:
        assert refresh_after(100, jitter=0) == refresh_after(100, 1000, jitter=0)

    @pytest.mark.parametrize("lease", [None, 0.0, 1.0, 60.0, 100.0, 119.0, 1000.0])
    def test_it_comes_before_the_end_whatever_the_jitter(self, lease: float | None) -> None:
        end = 100 if lease is None else min(100, lease)
        assert refresh_after(100, lease, jitter=1) <= end * 0.9


class TestMoments:
    def test_a_value_is_fresh_for_its_ttl_and_served_for_max_stale_more(self) -> None:
        assert (1100, 1160) == (STORE.fresh_until(entry(), HERE), STORE.served_until(entry(), HERE))
        assert 1160 == STORE.longest(entry())

    @pytest.mark.parametrize("lease", [30.0, 130.0])
    def test_a_lease_caps_everything(self, lease: float) -> None:
        leased = entry(lease=lease)
        assert 1000 + min(100, lease) == STORE.fresh_until(leased, HERE)
        assert 1000 + lease == STORE.served_until(leased, HERE)
        assert 1000 + lease == STORE.longest(leased)
        assert STORE.refresh_at(leased, HERE) <= 1000 + lease * 2 / 3 * 1.1 + 0.001

    def test_not_there_is_kept_for_its_own_time(self) -> None:
        assert 1005 == STORE.fresh_until(not_there(), HERE)
        assert 1065 == STORE.served_until(not_there(), HERE)
        assert 1065 == STORE.longest(not_there())

    def test_that_a_document_lacks_the_field_is_not_there_too(self) -> None:
        assert 1005 == STORE.fresh_until(entry(), Location(address="a", field="other"))

    def test_the_moments_of_refreshes_are_spread_over_the_documents(self) -> None:
        moments = [STORE.refresh_at(entry(number=number), HERE) for number in range(500)]
        assert 1072 <= min(moments) < 1074
        assert 1086 < max(moments) <= 1088

    def test_one_document_is_refreshed_at_one_moment(self) -> None:
        assert STORE.refresh_at(entry(), HERE) == STORE.refresh_at(entry(), HERE)

    def test_what_a_reader_asks_itself_is_not_refreshed_before_it_is_over(self) -> None:
        local = Lifetime(ttl=1, max_stale=60, negative_ttl=1, ahead=False)
        assert 1001 == local.refresh_at(entry(), HERE) == local.fresh_until(entry(), HERE)


class TestOf:
    def test_without_settings_of_a_link_or_a_name_the_stores_count(self) -> None:
        assert (100, 60, 5) == times(STORE.of(Link(FakeResolver()), None))

    def test_those_of_the_link_go_before_the_stores(self) -> None:
        assert (7, 0, 5) == times(STORE.of(Link(FakeResolver(), ttl=7, max_stale=0), None))

    def test_that_of_the_name_goes_before_both(self) -> None:
        assert (3, 60, 5) == times(STORE.of(Link(FakeResolver(), ttl=7), 3))
        assert (0, 60, 5) == times(STORE.of(Link(FakeResolver(), ttl=7), 0))

    def test_a_local_resolver_is_asked_every_second_and_by_readers_alone(self) -> None:
        local = STORE.of(Link(FakeResolver(local=True)), None)
        assert (LOCAL_TTL, 60, LOCAL_TTL) == times(local)
        assert not local.ahead
        assert LOCAL_TTL == STORE.of(Link(FakeResolver(local=True)), 50).ttl

    def test_a_local_resolver_with_a_ttl_of_its_own_has_that(self) -> None:
        assert 9 == STORE.of(Link(FakeResolver(local=True), ttl=9), None).ttl
