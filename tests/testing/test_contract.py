"""The contract finds resolvers that break it, and asks nothing of a backend that it does not have."""

from __future__ import annotations

import os
import pickle
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from secretsource.resolvers import Deadline, Document, Location
from secretsource.testing import MemoryResolver, ResolverContract
from secretsource.testing._contract import batches, process, values
from tests.resolvers import test_contract_memory as good
from tests.testing import breaking


def failing(contract: type[ResolverContract]) -> set[str]:
    """Return the names of the tests that fail, as a run of pytest would find them."""
    failed = set()
    for name in [name for name in dir(contract) if name.startswith("test_") and getattr(contract, name)]:
        instance: Any = contract()
        instance.setup_method()
        try:
            getattr(instance, name)()
        except Exception:  # noqa: BLE001 - however it fails
            failed.add(name.removeprefix("test_"))
    return failed


def contract_of(resolver: type[MemoryResolver]) -> type[ResolverContract]:
    class Contract(good.TestMemory):
        timeout = 0.5

        def setup_method(self) -> None:
            self.memory = resolver()

    return Contract


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (breaking.Stripping, "space_around_a_value_is_kept"),
        (breaking.Stripping, "a_line_end_at_the_end_is_kept"),
        (breaking.Cutting, "a_long_value_comes_back_whole"),
        (breaking.Narrow, "unicode_comes_back"),
        (breaking.OneLine, "line_ends_inside_a_value_are_kept"),
        (breaking.Textual, "bytes_come_back"),
        (breaking.Falsy, "an_empty_value_is_a_value"),
        (breaking.Parsing, "a_value_that_looks_like_something_else_is_text"),
        (breaking.MissingIsEmpty, "what_was_never_stored_is_not_there"),
        (breaking.MissingIsAnError, "what_was_never_stored_is_not_there"),
        (breaking.MissingIsEmpty, "a_document_without_fields_is_not_there"),
        (breaking.Remembering, "what_was_changed_is_new_with_the_next_fetch"),
        (breaking.Remembering, "what_was_removed_is_not_there"),
        (breaking.FirstField, "a_field_that_the_document_lacks_is_not_there"),
        (breaking.Greedy, "a_document_has_all_its_fields_and_no_others"),
        (breaking.Unversioned, "a_change_is_a_new_version"),
        (breaking.Returning, "text_comes_back"),
        (breaking.Trusting, "a_name_that_is_none_is_refused_before_any_io"),
        (breaking.Trusting, "a_reference_that_is_none_is_refused_before_any_io"),
        (breaking.AnyScheme, "a_reference_to_another_resolver_is_refused"),
        (breaking.Looking, "a_name_that_is_none_is_refused_before_any_io"),
        (breaking.Looking, "a_place_is_found_without_io"),
        (breaking.Random, "a_place_is_always_the_same"),
        (breaking.OneField, "two_names_have_two_places"),
        (breaking.Elsewhere, "a_reference_finds_what_its_name_finds"),
        (breaking.Current, "an_old_version_can_be_asked_for"),
        (breaking.Nameless, "it_is_a_resolver"),
        (breaking.Talkative, "nothing_printed_holds_a_secret"),
        (breaking.Pickled, "no_pickle_holds_a_secret"),
        (breaking.Chaining, "a_denial_is_access_denied_and_leads_to_no_client"),
        (breaking.Showing, "a_denial_is_access_denied_and_leads_to_no_client"),
        (breaking.Broken, "a_denial_is_access_denied_and_leads_to_no_client"),
        (breaking.Careless, "no_error_holds_a_secret"),
        (breaking.Late, "a_deadline_that_is_over_ends_the_fetch_soon"),
        (breaking.Shared, "many_threads_get_right_answers"),
        (breaking.OnceOnly, "it_can_be_closed_and_used_again"),
    ],
)
def test_a_resolver_that_breaks_the_contract_is_found(
    resolver: type[MemoryResolver], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_SOON", 0.2)
    assert expected in failing(contract_of(resolver))


def test_a_resolver_that_keeps_the_contract_is_not_blamed() -> None:
    assert set() == failing(contract_of(MemoryResolver))


def batching_contract_of(resolver: type[MemoryResolver]) -> type[ResolverContract]:
    class Contract(contract_of(resolver)):  # type: ignore[misc]  # a class that is made here
        batches = True

    return Contract


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (MemoryResolver, "it_has_batches_only_if_it_says_so"),
        (breaking.Sorting, "many_are_answered_in_their_order"),
        (breaking.Deduplicating, "one_that_is_asked_for_twice_is_answered_twice"),
        (breaking.LeavingOut, "what_is_not_there_takes_nothing_from_its_neighbours"),
        (breaking.ShortOfPlaces, "many_are_answered_in_their_order"),
        (breaking.AllOrNothing, "a_denial_is_that_of_its_location_alone"),
        (breaking.Silencing, "a_denial_is_that_of_its_location_alone"),
        (breaking.KeepingTracebacks, "a_denial_is_that_of_its_location_alone"),
        (breaking.NewestAlways, "old_versions_are_part_of_a_round"),
        (breaking.ByAddressAlone, "whole_documents_are_part_of_a_round"),
        (breaking.Unpunctual, "a_round_without_time_ends_soon"),
        (breaking.Strict, "no_location_is_no_answer"),
        (breaking.WrongInChildren, "a_forked_child_gets_right_answers_to_a_round"),
    ],
)
def test_a_resolver_that_breaks_the_contract_in_rounds_is_found(
    resolver: type[MemoryResolver], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_SOON", 0.2)
    assert expected in failing(batching_contract_of(resolver))


def test_an_error_that_two_locations_share_is_found() -> None:
    class DeniedTwice(batching_contract_of(breaking.OneErrorForAll)):  # type: ignore[misc]
        def deny(self, name: str) -> None:
            self.memory.deny()

    assert "a_denial_is_that_of_its_location_alone" in failing(DeniedTwice)


def test_a_resolver_that_keeps_the_contract_in_rounds_is_not_blamed() -> None:
    assert set() == failing(batching_contract_of(breaking.Batching))


def test_rounds_that_nobody_told_of_are_found() -> None:
    assert {"it_has_batches_only_if_it_says_so"} == failing(contract_of(breaking.Batching))


class _Answering(socketserver.StreamRequestHandler):
    """Answers lines over a kept connection."""

    values: ClassVar[dict[str, str]] = {}

    def handle(self) -> None:
        for line in self.rfile:
            time.sleep(0.0005)
            self.wfile.write(self.values.get(line.decode().strip(), "").encode() + b"\n")


class OneConnection(MemoryResolver):
    """Takes its connection over a fork, as the client libraries do."""

    def __init__(self) -> None:
        super().__init__()
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Answering)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.connection = socket.create_connection(("127.0.0.1", self.server.server_address[1]), timeout=1)
        self.file = self.connection.makefile("rw")
        self.asking = threading.Lock()

    def put(self, name: str, value: Any, *, lease: float | None = None) -> None:
        _Answering.values[name] = value

    def fetch(self, location: Location, deadline: Deadline) -> Any:
        with self.asking:
            self.file.write(f"{location.address}/{location.field}\n")
            self.file.flush()
            return Document(fields={location.field or "": self.file.readline().strip()})

    def end(self) -> None:
        self.file.close()
        self.connection.close()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def one_connection() -> Iterator[OneConnection]:
    resolver = OneConnection()
    yield resolver
    resolver.end()


def test_a_connection_that_is_shared_over_a_fork_is_found(one_connection: OneConnection) -> None:
    contract = contract_of(MemoryResolver)()
    contract.memory = one_connection
    contract.test_many_threads_get_right_answers()

    with pytest.raises(AssertionError, match=r"in the (children|parent)"):
        contract.test_forked_children_get_right_answers()


def test_a_child_that_hangs_is_ended_and_told() -> None:
    class Hanging(MemoryResolver):
        own = os.getpid()

        def fetch(self, location: Location, deadline: Deadline) -> Any:
            if os.getpid() != self.own:
                time.sleep(60)
            return super().fetch(location, deadline)

    contract = contract_of(Hanging)()
    contract.setup_method()
    with pytest.raises(AssertionError, match="the child hung"):
        contract.test_forked_children_get_right_answers()


def test_what_a_backend_does_not_have_is_not_collected() -> None:
    class Modest(good.TestMemory):
        binary = stores_empty = keeps_line_end = documents = versions = False
        batches = True

    left_out = {
        "test_whole_documents_are_part_of_a_round",
        "test_old_versions_are_part_of_a_round",
        "test_bytes_come_back",
        "test_an_empty_value_is_a_value",
        "test_a_line_end_at_the_end_is_kept",
        "test_a_document_has_all_its_fields_and_no_others",
        "test_a_document_without_fields_is_not_there",
        "test_a_change_is_a_new_version",
        "test_an_old_version_can_be_asked_for",
    }
    ours = {**vars(values.ValueTests), **vars(batches.BatchTests)}
    assert left_out == {name for name in ours if name.startswith("test_") and not getattr(Modest, name)}


def test_rounds_are_not_asked_for_where_there_are_none() -> None:
    collected = {name for name in vars(batches.BatchTests) if getattr(good.TestMemory, name, None)}

    assert {"test_it_has_batches_only_if_it_says_so"} == {
        name for name in collected if name.startswith("test_")
    }


def test_a_flag_can_be_set_again_further_down() -> None:
    class Modest(good.TestMemory):
        binary = False

    class Again(Modest):
        binary = True

    assert ResolverContract.test_bytes_come_back is Again.test_bytes_come_back


def test_an_optional_hook_brings_its_tests() -> None:
    class Plain(ResolverContract):
        versions = True

    assert Plain.test_a_denial_is_access_denied_and_leads_to_no_client is None
    assert Plain.test_a_reference_finds_what_its_name_finds is None
    assert Plain.test_an_old_version_can_be_asked_for is None
    assert good.TestMemory.test_a_denial_is_access_denied_and_leads_to_no_client


def test_a_test_of_the_author_stays_in_the_place_of_ours() -> None:
    class Own(good.TestMemory):
        def test_bytes_come_back(self) -> None:
            """Differently."""

    assert ResolverContract.test_bytes_come_back is not Own.test_bytes_come_back


def test_the_contract_has_every_hook_or_says_which_is_missing() -> None:
    with pytest.raises(NotImplementedError, match=r"put\(name, value\)"):
        ResolverContract().put("a", "b")
    with pytest.raises(NotImplementedError, match="make_resolver"):
        ResolverContract().make_resolver()
    with pytest.raises(NotImplementedError, match="remove"):
        ResolverContract().remove("a")


def test_values_of_the_contract_do_not_show_in_a_failure() -> None:
    contract = contract_of(breaking.Stripping)()
    contract.setup_method()
    with pytest.raises(AssertionError) as caught:
        contract.test_space_around_a_value_is_kept()

    assert "between" not in str(caught.value)
    assert pickle.loads(pickle.dumps(str(caught.value)))
