"""The resolver for tests answers from memory, as a backend would."""

from __future__ import annotations

import pickle
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    Document,
    InvalidReference,
    NotThere,
    Reason,
    SecretNotFound,
    Store,
    WriteConflict,
)
from secretsource.resolvers import Answer, Deadline, Health
from secretsource.testing import MemoryResolver


@pytest.fixture
def memory() -> MemoryResolver:
    return MemoryResolver(
        {"pepipost/api_key": "key", "stripe_key": "whole", "db/primary": {"user": "u", "host": "h"}}
    )


def ask(memory: MemoryResolver, name: str, *, document: bool = False) -> Answer:
    return memory.fetch(memory.locate(name, document=document), Deadline(1))


def value(memory: MemoryResolver, name: str) -> object:
    answer = ask(memory, name)
    assert isinstance(answer, Document)
    return answer.pick(memory.locate(name).field)


def test_the_last_segment_is_the_field(memory: MemoryResolver) -> None:
    location = memory.locate("db/primary/user")
    assert ("db/primary", "user") == (location.address, location.field)
    assert "u" == value(memory, "db/primary/user")


def test_a_name_of_one_segment_is_a_whole_value(memory: MemoryResolver) -> None:
    assert "whole" == value(memory, "stripe_key")


def test_a_store_reads_from_it() -> None:
    with Store([MemoryResolver({"a/b": "x", "c": b"\xff"})]) as store:
        assert "x" == store.get("a/b").value
        assert b"\xff" == store.get("c").value_bytes
        assert ("memory", "a#b", "1") == (
            store.get("a/b").source,
            store.get("a/b").location,
            store.get("a/b").version,
        )


def test_a_whole_document_is_of_one_version(memory: MemoryResolver) -> None:
    memory.put("db/primary", {"user": "u2", "host": "h2"})
    answer = ask(memory, "db/primary", document=True)
    assert isinstance(answer, Document)
    assert ({"user": "u2", "host": "h2"}, "2") == (dict(answer.fields), answer.version)


def test_putting_one_field_leaves_the_others(memory: MemoryResolver) -> None:
    memory.put("db/primary/user", "new")
    answer = ask(memory, "db/primary", document=True)
    assert isinstance(answer, Document)
    assert {"user": "new", "host": "h"} == dict(answer.fields)


def test_a_mapping_replaces_all_fields(memory: MemoryResolver) -> None:
    memory.put("db/primary", {"port": "1"})
    assert None is value(memory, "db/primary/user")
    memory.put("stripe_key", {"port": "1"})
    assert None is value(memory, "stripe_key")


def test_every_put_is_a_new_version_and_old_ones_can_be_asked_for(memory: MemoryResolver) -> None:
    memory.put("pepipost/api_key", "rotated")
    assert "rotated" == value(memory, "pepipost/api_key")
    assert "key" == value(memory, "memory://pepipost?version=1#api_key")
    assert "rotated" == value(memory, "memory://pepipost?version=2#api_key")
    assert None is ask(memory, "memory://pepipost?version=3#api_key")


def test_a_stage_and_a_version_can_be_put_by_reference(memory: MemoryResolver) -> None:
    memory.put("memory://pepipost?stage=previous#api_key", "old")
    memory.put("memory://pepipost?version=v7#api_key", "seventh")
    answer = ask(memory, "memory://pepipost?version=v7#api_key")
    assert isinstance(answer, Document)
    assert "v7" == answer.version
    assert "old" == value(memory, "memory://pepipost?stage=previous#api_key")
    assert "key" == value(memory, "pepipost/api_key")


def test_a_lease_is_told(memory: MemoryResolver) -> None:
    memory.put("leased", "x", lease=30)
    answer = ask(memory, "leased")
    assert isinstance(answer, Document)
    assert 30 == answer.lease


def test_what_was_never_put_is_missing_and_what_was_removed_is_deleted(memory: MemoryResolver) -> None:
    memory.remove("stripe_key")
    memory.remove("never")
    assert None is ask(memory, "never")
    assert NotThere(Reason.DELETED) == ask(memory, "stripe_key")


def test_removing_a_field_leaves_the_others_as_a_new_version(memory: MemoryResolver) -> None:
    memory.remove("db/primary/user")
    answer = ask(memory, "db/primary/user")
    assert isinstance(answer, Document)
    assert ({"host": "h"}, "2") == (dict(answer.fields), answer.version)


def test_removing_the_last_field_deletes_the_document(memory: MemoryResolver) -> None:
    memory.remove("pepipost/api_key")
    assert NotThere(Reason.DELETED) == ask(memory, "pepipost/api_key")


def test_a_removed_document_comes_back_with_a_put(memory: MemoryResolver) -> None:
    memory.remove("pepipost/api_key")
    memory.put("pepipost/api_key", "again")
    answer = ask(memory, "pepipost/api_key")
    assert isinstance(answer, Document)
    assert ({"api_key": "again"}, "2") == (dict(answer.fields), answer.version)


def test_a_store_finds_a_missing_field_not_there() -> None:
    with Store([MemoryResolver({"a/b": "x"})]) as store, pytest.raises(SecretNotFound) as caught:
        store.get("a/other")
    assert [Reason.FIELD] == [step.reason for step in caught.value.steps]


def test_the_name_is_the_scheme_of_references() -> None:
    memory = MemoryResolver({"vault://kv/a#b": "x"}, name="vault")
    assert "x" == value(memory, "vault://kv/a#b")
    with pytest.raises(InvalidReference, match="another resolver than 'vault'"):
        memory.locate("memory://kv/a#b")


def test_a_field_of_a_whole_document_is_refused(memory: MemoryResolver) -> None:
    with pytest.raises(InvalidReference, match="names one field"):
        memory.locate("memory://a#b", document=True)


def test_calls_are_the_addresses_that_were_fetched(memory: MemoryResolver) -> None:
    ask(memory, "db/primary/user")
    ask(memory, "nowhere")
    memory.calls.clear()
    assert ["db/primary", "nowhere"] == memory.calls
    memory.reset_calls()
    assert [] == memory.calls


def test_calls_and_versions_are_counted_right_by_many_threads(memory: MemoryResolver) -> None:
    def work(number: int) -> None:
        for _ in range(50):
            memory.put("shared/field", str(number))
            ask(memory, "shared/field")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    answer = ask(memory, "shared/field")
    assert isinstance(answer, Document)
    assert ("400", 401) == (answer.version, len(memory.calls))


def test_nothing_shows_a_value() -> None:
    canary = secrets.token_hex(8)
    memory = MemoryResolver({"a/b": canary})
    assert "MemoryResolver('memory', 1 documents)" == repr(memory)
    with pytest.raises(TypeError, match="it holds values"):
        pickle.dumps(memory)
    assert canary not in repr(vars(memory))


class TestBesideReading:
    """What a store may ask of a resolver beside one document."""

    def test_it_checks_out_as_what_a_test_says(self, memory: MemoryResolver) -> None:
        assert Health(identity="memory") == memory.check(Deadline(1))
        memory.health = Health(identity="somebody", expires_in=60)
        assert "somebody" == memory.check(Deadline(1)).identity

    def test_its_check_fails_where_everything_does(self, memory: MemoryResolver) -> None:
        memory.deny("stripe_key")
        memory.check(Deadline(1))
        memory.fail(Reason.SEALED)
        with pytest.raises(BackendUnavailable):
            memory.check(Deadline(1))

    def test_its_check_hangs_as_a_fetch_does(self, memory: MemoryResolver) -> None:
        with ThreadPoolExecutor(1) as pool, memory.held() as gate:
            checked = pool.submit(memory.check, Deadline(1))
            gate.wait_for()
            assert not checked.done()
            gate.release()
            assert memory.health == checked.result(10)

    def test_its_policy_names_each_document_once(self, memory: MemoryResolver) -> None:
        asked = [memory.locate(name) for name in ("db/primary/user", "db/primary/host", "stripe_key")]
        assert "allow reading db/primary\nallow reading stripe_key\n" == memory.policy_for(asked)

    def test_it_prolongs_no_lease_but_those_that_a_test_says(self, memory: MemoryResolver) -> None:
        lent = memory.locate("db/primary/user")
        assert None is memory.renew(lent, Document(), Deadline(1))
        memory.prolong("db/primary/user", 30)
        memory.prolong("stripe_key", 30)
        assert [30, 30] == [
            memory.renew(memory.locate(name), Document(), Deadline(1))
            for name in ("stripe_key", "db/primary/a")
        ]
        memory.prolong("db/primary/user", None)
        assert None is memory.renew(lent, Document(), Deadline(1))
        memory.deny("stripe_key")
        with pytest.raises(AccessDenied):
            memory.renew(memory.locate("stripe_key"), Document(), Deadline(1))

    def test_what_is_written_at_a_location_is_a_new_version(self, memory: MemoryResolver) -> None:
        written = memory.put(memory.locate("db/primary/user"), "new", Deadline(1))
        assert ({"user": "new", "host": "h"}, "2") == (dict(written.fields), written.version)
        assert "new" == value(memory, "db/primary/user")

    def test_it_is_written_only_over_the_version_that_is_expected(self, memory: MemoryResolver) -> None:
        where = memory.locate("stripe_key")
        assert "2" == memory.put(where, "new", Deadline(1), expected="1").version
        with pytest.raises(WriteConflict, match="the current version is 2"):
            memory.put(where, "newer", Deadline(1), expected="1")
        with pytest.raises(WriteConflict, match="none"):
            memory.put(memory.locate("never"), "new", Deadline(1), expected="1")
        assert "new" == value(memory, "stripe_key")

    def test_writing_fails_as_reading_does_and_arranging_never(self, memory: MemoryResolver) -> None:
        memory.deny("stripe_key")
        with pytest.raises(AccessDenied):
            memory.put(memory.locate("stripe_key"), "new", Deadline(1))
        memory.put("stripe_key", "newer")
        memory.recover()
        assert "newer" == value(memory, "stripe_key")

    @pytest.mark.parametrize("reference", ["memory://a?version=1#b", "memory://a?stage=previous#b"])
    def test_a_version_or_a_stage_is_not_written(self, memory: MemoryResolver, reference: str) -> None:
        with pytest.raises(InvalidReference):
            memory.put(memory.locate(reference), "new", Deadline(1))

    def test_a_whole_document_is_not_written(self, memory: MemoryResolver) -> None:
        with pytest.raises(InvalidReference):
            memory.put(memory.locate("db/primary", document=True), "new", Deadline(1))
