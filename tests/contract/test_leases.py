"""What a backend lends for a time: prolonged where that is enough, else fetched anew, and never used past its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from secrets import token_hex

import pytest

from secretsource import AccessDenied, BackendUnavailable, Store
from secretsource.errors import Reason, ResolverError
from secretsource.resolvers import Deadline, Document, Location
from tests.contract.worlds import TTL, down
from tests.fakes import FakeClock, FakeResolver, Gate, eventually, outcome

LEASE = 30.0
NEAR_ITS_END = 25.0  # an age past every refresh point of the lease
USER, PASSWORD = "db/creds/user", "db/creds/password"


class Lender(FakeResolver):
    """Makes another account for each fetch; `says_to_renew` decides what becomes of a lease."""

    def __init__(self) -> None:
        super().__init__(fields=True)
        self.accounts = 0
        self.renewals: list[Location] = []
        self.says_to_renew: object = LEASE
        self.says["db/creds"] = self._lend

    def _lend(self, location: Location, deadline: Deadline) -> Document:
        self.accounts += 1
        return Document(
            fields={"user": f"app-{self.accounts}", "password": f"{self.accounts}-{token_hex(8)}"},
            lease=LEASE,
        )

    def renew(self, location: Location, document: Document, deadline: Deadline) -> object:
        self.renewals.append(location)
        said = self.says_to_renew
        if isinstance(said, BaseException):
            raise said
        return said(location, deadline) if callable(said) else said


class Lending:
    """A store that reads from a `Lender`, on a clock that stands still."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.backend = Lender()
        self.store = Store([self.backend], ttl=TTL, max_stale=900, clock=self.clock)

    def user(self) -> str:
        return self.store.get(USER).value

    def after(self, seconds: float) -> str:
        """Let time pass and read; return what a reader has once all that this set off has ended."""
        self.clock.advance(seconds)
        self.user()
        assert eventually(lambda: not self.store._documents._flights._flying)
        return self.user()


@pytest.fixture
def lending() -> Lending:
    return Lending()


class TestALeaseThatIsProlonged:
    def test_keeps_its_account(self, lending: Lending) -> None:
        assert "app-1" == lending.user()
        assert ["app-1"] * 20 == [lending.after(NEAR_ITS_END) for _ in range(20)]
        assert (1, 20) == (lending.backend.accounts, len(lending.backend.renewals))

    def test_is_asked_for_with_the_location_of_the_fetch(self, lending: Lending) -> None:
        lending.user()
        lending.after(NEAR_ITS_END)

        assert lending.backend.renewals == lending.backend.calls

    def test_starts_anew_with_the_length_that_the_backend_gives_it(self, lending: Lending) -> None:
        lending.user()
        lending.backend.says_to_renew = 12.0
        lending.after(NEAR_ITS_END)
        secret = lending.store.get(USER)

        assert (12.0, 0.0) == (secret.lease, secret.age)
        lending.clock.advance(12.1)
        assert "app-2" == lending.user()

    def test_is_no_rotation(self, lending: Lending) -> None:
        heard: list[str] = []
        lending.store.on_rotation(USER, lambda _, new: heard.append(new.value))
        lending.user()
        lending.after(NEAR_ITS_END)
        lending.store.get(USER, refresh=True)

        assert eventually(lambda: heard)
        assert ["app-2"] == heard

    def test_keeps_user_and_password_together(self, lending: Lending) -> None:
        for _ in range(10):
            lending.after(NEAR_ITS_END)
            fields = lending.store.get_fields("db/creds")
            assert fields["user"].removeprefix("app-") == fields["password"].partition("-")[0]
        assert lending.backend.renewals

    def test_serves_a_thousand_tasks_with_one_call(self, lending: Lending) -> None:
        lending.user()
        lending.clock.advance(NEAR_ITS_END)

        async def crowd() -> set[str]:
            return {
                secret.value
                for secret in await asyncio.gather(*[lending.store.aget(USER) for _ in range(1000)])
            }

        assert {"app-1"} == asyncio.run(crowd())
        assert eventually(lambda: lending.backend.renewals)
        assert (1, 1) == (lending.backend.accounts, len(lending.backend.renewals))


class TestAnotherAccountIsFetched:
    def test_when_the_lease_is_better_not_prolonged(self, lending: Lending) -> None:
        lending.user()
        lending.backend.says_to_renew = None

        assert "app-2" == lending.after(NEAR_ITS_END)

    def test_when_the_lease_is_over(self, lending: Lending) -> None:
        lending.user()
        lending.clock.advance(LEASE)

        assert "app-2" == lending.user()
        assert [] == lending.backend.renewals

    @pytest.mark.parametrize(
        "ask",
        [
            lambda store: store.get(USER, refresh=True),
            lambda store: store.reject(store.get(USER)),
            lambda store: (store.invalidate(USER), store.get(USER)),
        ],
        ids=["refresh", "reject", "invalidate"],
    )
    def test_when_somebody_says_so(self, lending: Lending, ask: Callable[[Store], object]) -> None:
        lending.user()
        ask(lending.store)

        assert "app-2" == lending.user()
        assert [] == lending.backend.renewals

    def test_by_a_resolver_that_prolongs_nothing(self) -> None:
        backend, clock = FakeResolver(), FakeClock()
        backend.says["a"] = Document(value="x", lease=LEASE)
        store = Store([backend], ttl=TTL, clock=clock)
        store.get("a")
        clock.advance(NEAR_ITS_END)
        store.get("a")

        assert eventually(lambda: 2 == len(backend.calls))


class TestWhileTheBackendIsDown:
    def test_the_account_serves_until_its_end_and_no_longer(self, lending: Lending) -> None:
        lending.user()
        lending.backend.says_to_renew = down()
        lending.backend.says["db/creds"] = down()

        assert "app-1" == lending.after(NEAR_ITS_END)
        assert isinstance(outcome(partial(lending.after, LEASE - NEAR_ITS_END)), BackendUnavailable)

    def test_no_account_is_made_for_a_prolongation_that_fails(self, lending: Lending) -> None:
        lending.user()
        lending.backend.says_to_renew = down(Reason.TIMEOUT)
        lending.after(NEAR_ITS_END)

        assert 1 == lending.backend.accounts

    def test_it_is_asked_again_after_a_pause(self, lending: Lending) -> None:
        lending.user()
        lending.backend.says_to_renew = down()
        lending.after(21.9)
        lending.backend.says_to_renew = LEASE
        lending.after(3)

        assert 2 == len(lending.backend.renewals)
        assert "app-1" == lending.after(NEAR_ITS_END - 5)


class TestARefusal:
    def test_drops_the_account(self, lending: Lending) -> None:
        lending.user()
        lending.backend.says_to_renew = AccessDenied("gone")
        lending.clock.advance(NEAR_ITS_END)
        lending.user()

        assert eventually(lambda: not lending.store._documents._flights._flying)
        lending.backend.says["db/creds"] = AccessDenied("gone")
        assert isinstance(outcome(lending.user), AccessDenied)

    @pytest.mark.parametrize("nonsense", ["soon", -1, True, object()])
    def test_that_is_none_is_no_answer(self, lending: Lending, nonsense: object) -> None:
        lending.user()
        lending.backend.says_to_renew = nonsense

        assert "app-1" == lending.after(NEAR_ITS_END)
        lending.backend.says["db/creds"] = ResolverError("asked")
        assert isinstance(outcome(partial(lending.after, LEASE)), ResolverError)


def test_a_prolongation_that_has_not_begun_becomes_a_fetch_for_one_who_wants_it_fresh() -> None:
    backend, clock = Lender(), FakeClock()
    gate = Gate(Document(fields={"x": "y"}))
    backend.says["busy"] = gate
    store = Store([backend], ttl=TTL, max_concurrency=1, clock=clock)
    store.get(USER)
    clock.advance(NEAR_ITS_END)
    with ThreadPoolExecutor(2) as pool:
        hung = pool.submit(store.get, "busy/x")
        gate.wait_until_entered()
        store.get(USER)
        fresh = pool.submit(store.get, USER, refresh=True)
        flights = store._documents._flights
        assert eventually(lambda: any(flight.fresh for flight in flights._flying.values()))
        gate.open()
        assert "app-2" == fresh.result(10).value
        hung.result(10)

    assert ([], 2) == (backend.renewals, backend.accounts)


class Agent(FakeResolver):
    """Answers from a cache of its own, but to those who say that they want it fresh."""

    def __init__(self) -> None:
        super().__init__()
        self.fresh_calls = 0

    def fetch_fresh(self, location: Location, deadline: Deadline) -> object:
        self.fresh_calls += 1
        return Document(value="new")


class TestAResolverWithACacheOfItsOwn:
    def make(self) -> tuple[Agent, Store, FakeClock]:
        agent, clock = Agent(), FakeClock()
        agent.says["a"] = agent.says["b"] = Document(value="old")
        return agent, Store([agent], ttl=TTL, clock=clock), clock

    def test_is_asked_past_it_by_refresh(self) -> None:
        store = self.make()[1]

        assert ("old", "new") == (store.get("a").value, store.get("a", refresh=True).value)

    def test_is_asked_past_it_by_reject(self) -> None:
        store = self.make()[1]

        assert "new" == store.reject(store.get("a")).value

    def test_is_asked_past_it_for_each_of_many(self) -> None:
        store = self.make()[1]
        store.get_many(["a", "b"])

        assert ["new", "new"] == [each.value for each in store.get_many(["a", "b"], refresh=True).values()]

    def test_answers_from_it_in_the_background(self) -> None:
        agent, store, clock = self.make()
        store.get("a")
        clock.advance(NEAR_ITS_END * 4 - 11)
        store.get("a")

        assert eventually(lambda: 2 == len(agent.calls))
        assert 0 == agent.fresh_calls
