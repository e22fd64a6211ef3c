"""The contract finds resolvers that write, check or renew otherwise than they should."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from secretsource.resolvers import Deadline, Location, Resolver
from secretsource.testing import MemoryResolver, ResolverContract
from secretsource.testing._contract import writes
from secretsource.testing._contract.optional import OptionalTests
from secretsource.testing._contract.writes import WriteTests
from tests.testing import breaking_writes as breaking
from tests.testing.test_contract import contract_of, failing


def with_flags(resolver: type[MemoryResolver], **flags: bool) -> type[ResolverContract]:
    contract: type[ResolverContract] = type("Contract", (contract_of(resolver),), flags)
    return contract


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (breaking.Pretending, "what_is_written_is_there"),
        (breaking.Speechless, "what_is_written_is_there"),
        (breaking.FieldsOnly, "a_name_of_one_segment_is_written"),
        (breaking.Trimming, "values_are_written_exactly"),
        (breaking.AsText, "bytes_are_written_exactly"),
        (breaking.Replacing, "neighbours_stay_as_they_are"),
        (breaking.Racing, "writers_of_one_document_lose_nothing"),
        (breaking.Anywhere, "what_is_no_single_value_is_not_written"),
        (breaking.Blind, "another_version_than_the_expected_one_is_not_replaced"),
        (breaking.Slow, "a_write_without_time_ends_soon_and_shows_nothing"),
        (breaking.Leaking, "a_write_without_time_ends_soon_and_shows_nothing"),
        (breaking.Unsayable, "a_check_tells_who_we_are_and_shows_no_credential"),
        (breaking.Unsteady, "a_check_tells_who_we_are_and_shows_no_credential"),
        (breaking.Ended, "a_check_tells_who_we_are_and_shows_no_credential"),
        (breaking.Asking, "a_policy_is_found_without_io_and_names_every_place"),
        (breaking.FirstAlone, "a_policy_is_found_without_io_and_names_every_place"),
        (breaking.Differing, "a_policy_is_found_without_io_and_names_every_place"),
        (breaking.Boasting, "a_policy_holds_no_secret"),
        (breaking.Ending, "a_lease_goes_on"),
        (breaking.Silent, "a_lease_goes_on"),
        (breaking.Lasting, "what_was_never_lent_does_not_go_on"),
    ],
)
def test_a_resolver_that_breaks_what_it_offers_is_found(
    resolver: type[MemoryResolver], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes, "_SOON", 0.2)
    assert expected in failing(contract_of(resolver))


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (breaking.AsText, "bytes_that_cannot_be_held_are_refused_and_nothing_is_written"),
        (breaking.Shown, "bytes_that_cannot_be_held_are_refused_and_nothing_is_written"),
    ],
)
def test_bytes_that_are_bent_are_found(resolver: type[MemoryResolver], expected: str) -> None:
    assert expected in failing(with_flags(resolver, binary=False))


def test_a_cache_that_is_not_passed_is_found() -> None:
    contract = with_flags(breaking.Remembering, fresh=True)
    assert "a_fresh_fetch_finds_what_a_fetch_finds" in failing(contract)


def test_a_credential_in_a_check_is_found() -> None:
    class Contract(contract_of(breaking.Open)):  # type: ignore[misc]
        def credentials(self) -> Iterable[str]:
            return [breaking.Open.token]

    assert "a_check_tells_who_we_are_and_shows_no_credential" in failing(Contract)


@pytest.mark.parametrize("resolver", [breaking.Writing, breaking.Timid])
def test_who_keeps_the_contract_is_not_blamed(resolver: type[MemoryResolver]) -> None:
    assert set() == failing(contract_of(resolver))


def test_who_holds_no_bytes_is_not_blamed() -> None:
    assert set() == failing(with_flags(breaking.TextAlone, binary=False))


def test_who_passes_a_cache_is_not_blamed() -> None:
    assert set() == failing(with_flags(breaking.Fresh, fresh=True))


@pytest.mark.parametrize("flag", ["writes", "checks", "policies"])
def test_what_nobody_told_of_is_found(flag: str) -> None:
    contract = with_flags(MemoryResolver, **{flag: False, "compares": False})
    assert {"it_can_do_what_it_says_and_says_what_it_can_do"} == failing(contract)


def test_what_is_told_of_and_not_there_is_found() -> None:
    assert "it_can_do_what_it_says_and_says_what_it_can_do" in failing(with_flags(MemoryResolver, fresh=True))


def test_a_lease_that_nobody_can_make_is_found() -> None:
    class Contract(contract_of(MemoryResolver)):  # type: ignore[misc]
        lend = ResolverContract.lend

    assert {"it_can_do_what_it_says_and_says_what_it_can_do"} == failing(Contract)


class Unreached(MemoryResolver):
    """Answers although nobody is there."""


def at_nobody(resolver: type[MemoryResolver]) -> type[ResolverContract]:
    class Contract(contract_of(resolver)):  # type: ignore[misc]
        def make_resolver_at(self, url: str) -> Resolver:
            return resolver()

    return Contract


class Down(MemoryResolver):
    """Tells that nobody is there, and what was to be written."""

    def check(self, deadline: Deadline) -> Any:
        try:
            raise ConnectionError
        except ConnectionError:
            self.fail("refused")
            return super().check(deadline)

    def put(self, location: Any, value: Any, deadline: Any = None, **more: Any) -> Any:
        if isinstance(location, Location):
            self.fail("refused")
        return super().put(location, value, deadline, **more)


@pytest.mark.parametrize("resolver", [Unreached, Down])
def test_who_reaches_nobody_and_does_not_say_so_well_is_found(resolver: type[MemoryResolver]) -> None:
    found = failing(at_nobody(resolver))
    assert {"a_check_of_nobody_is_unavailable", "a_write_to_nobody_is_unavailable_and_shows_nothing"} <= found


def test_each_test_finds_somebody() -> None:
    tests = {name for part in (OptionalTests, WriteTests) for name in vars(part) if name.startswith("test_")}
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert [] == [name for name in tests if f'"{name.removeprefix("test_")}"' not in text]
