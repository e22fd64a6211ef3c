"""The part of the contract about what a resolver may do beside reading and writing."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from secretsource.errors import BackendUnavailable
from secretsource.resolvers import (
    Deadline,
    Document,
    Health,
    Resolver,
    SupportsCheck,
    SupportsFetchFresh,
    SupportsPolicy,
    SupportsPut,
    SupportsRenew,
)
from secretsource.testing._contract.hooks import Hooks, nobody, only_if, picked, raised
from secretsource.testing._contract.kept import Canary, Kept, leaks, new_path, pickled, printed
from secretsource.testing._contract.watch import watched

__all__ = ["OptionalTests"]

_LEASE = 600.0
_PROTOCOLS = {
    "fresh": ("fetch_fresh", SupportsFetchFresh),
    "writes": ("put", SupportsPut),
    "checks": ("check", SupportsCheck),
    "policies": ("policy_for", SupportsPolicy),
}


class OptionalTests(Hooks):
    """Each method beyond `fetch` does what its protocol says."""

    def test_it_can_do_what_it_says_and_says_what_it_can_do(self) -> None:
        """For each optional method a class attribute says that its tests are wanted."""
        with self.opened() as resolver:
            for flag, (method, protocol) in _PROTOCOLS.items():
                has, said = isinstance(resolver, protocol), bool(getattr(self, flag))
                assert has == said, f"{flag} = {said}, and {method} is {'' if has else 'not '}there"
            if isinstance(resolver, SupportsRenew):
                assert self.overrides("lend"), (
                    "renew is there: fill in lend(name, value, seconds), to prove it"
                )

    @only_if(lambda cls: cls.fresh)
    def test_a_fresh_fetch_finds_what_a_fetch_finds(self) -> None:
        """The value, a new one at once, and "not there"."""
        name = f"{new_path()}/field"
        with self.opened() as resolver:
            for value in (Canary(), Canary()):
                self.put(name, value.text)
                assert self.__fresh(resolver, name) == value
            self.remove(name)
            assert self.__fresh(resolver, name) == Kept(None)
            assert self.__fresh(resolver, f"{new_path()}/field") == Kept(None)

    @only_if(lambda cls: cls.checks)
    def test_a_check_tells_who_we_are_and_shows_no_credential(self) -> None:
        """Its answer is a `Health`, the same for two checks in a row."""
        with self.opened() as resolver:
            assert isinstance(resolver, SupportsCheck)
            first, second = (resolver.check(Deadline(self.timeout)) for _ in range(2))
        assert isinstance(first, Health)
        assert (first.identity, first.detail) == (second.identity, second.detail)
        assert first.expires_in is None or first.expires_in > 0
        shown: list[str | bytes] = [repr(first), str(first), first.identity, first.detail, pickled(first)]
        assert not leaks(map(Kept, self.credentials()), shown)

    @only_if(lambda cls: cls.checks and cls.overrides("make_resolver_at"))
    def test_a_check_of_nobody_is_unavailable(self) -> None:
        """It tells so as a fetch does, and leads to no client."""
        resolver = self.make_resolver_at(nobody())
        assert isinstance(resolver, SupportsCheck)
        error = raised(BackendUnavailable, lambda: resolver.check(Deadline(5.0)), "check of nobody")
        assert (error.__cause__, error.__context__) == (None, None)
        assert not leaks(map(Kept, self.credentials()), [printed(error), pickled(error)])

    @only_if(lambda cls: cls.policies)
    def test_a_policy_is_found_without_io_and_names_every_place(self) -> None:
        """The same for the same places, and it names nothing that was not asked for."""
        paths, other = [new_path() for _ in range(3)], new_path()
        with self.opened() as resolver:
            assert isinstance(resolver, SupportsPolicy)
            places = [resolver.locate(f"{path}/field") for path in paths]
            resolver.policy_for(places[:1])  # what it imports, it has imported now
            with watched() as seen:
                policy = resolver.policy_for(places)
            again = resolver.policy_for([*places, places[0]])
        assert not seen, f"policy_for did I/O: {seen}"
        assert policy == again
        assert [path for path in paths if path not in policy] == []
        assert other not in policy

    @only_if(lambda cls: cls.policies)
    def test_a_policy_holds_no_secret(self) -> None:
        """Also after a read."""
        name, value = f"{new_path()}/field", Canary()
        self.put(name, value.text)
        with self.opened() as resolver:
            self.ask(resolver, name)
            assert isinstance(resolver, SupportsPolicy)
            policy = resolver.policy_for([resolver.locate(name)])
        assert not leaks([value, *map(Kept, self.credentials())], [policy])

    @only_if(lambda cls: cls.overrides("lend"))
    def test_a_lease_goes_on(self) -> None:
        """The document tells its lease, and `renew` for how long it is lent from then on."""
        name, value = f"{new_path()}/field", Canary()
        self.lend(name, value.text, _LEASE)
        with self.opened() as resolver:
            answer = self.ask(resolver, name)
            assert isinstance(answer, Document)
            assert answer.lease is not None
            assert 0 < answer.lease <= _LEASE
            assert isinstance(resolver, SupportsRenew)
            seconds = resolver.renew(resolver.locate(name), answer, Deadline(self.timeout))
        assert seconds is not None
        assert seconds > 0

    @only_if(lambda cls: cls.overrides("lend"))
    def test_what_was_never_lent_does_not_go_on(self) -> None:
        """`None`: the store fetches it."""
        name = f"{new_path()}/field"
        self.put(name, Canary().text)
        with self.opened() as resolver:
            assert isinstance(resolver, SupportsRenew)
            lent = Document(version="of another", lease=_LEASE)
            assert resolver.renew(resolver.locate(name), lent, Deadline(self.timeout)) is None

    def __fresh(self, resolver: Resolver, name: str) -> Kept:
        assert isinstance(resolver, SupportsFetchFresh)
        place = resolver.locate(name)
        return picked(resolver.fetch_fresh(place, Deadline(self.timeout)), place)
