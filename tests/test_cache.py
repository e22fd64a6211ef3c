from __future__ import annotations

import threading
from typing import Any

import pytest

from secretsource import _entries
from secretsource._cache import Cache
from secretsource._entries import Entry, Hit, Whole
from secretsource._keys import DocumentKey, document_key
from secretsource._secret import Document, Secret, masked

Kept = tuple[DocumentKey, Entry]


def key_of(address: str) -> DocumentKey:
    return document_key("fake", address)


def entry_of(address: str, number: int = 1, **more: str) -> Entry:
    return _entries.entry_of(Document(value=f"of {address}", **more), fetched_at=100.0, number=number)


def kept(cache: Cache, address: str, number: int = 1, **more: str) -> Entry:
    """Put the answer of a text alone into a cache, or of a document with *more*, and return its entry."""
    entry = entry_of(address, number, **more)
    cache.put(key_of(address), entry)
    return entry


def link(cache: Cache, name: str, address: str, entry: Entry, *rests_on: Kept, value: str = "any") -> None:
    cache.link(name, entry, masked(value), 200.0, rests_on=[*rests_on, (key_of(address), entry)])


class TestOrder:
    def test_a_newer_answer_replaces_an_older_one_and_its_direct_entries(self) -> None:
        cache = Cache(4)
        link(cache, "name", "a", kept(cache, "a", 1))
        new = kept(cache, "a", 2)
        assert new is cache.get(key_of("a"))
        assert {} == cache.hits

    def test_an_older_answer_never_replaces_a_newer_one(self) -> None:
        cache = Cache(4)
        new = kept(cache, "a", 2)
        link(cache, "name", "a", new)
        kept(cache, "a", 1)
        assert new is cache.get(key_of("a"))
        assert ["name"] == list(cache.hits)

    def test_an_older_answer_is_not_kept_after_a_newer_denial(self) -> None:
        cache = Cache(4)
        cache.drop(key_of("a"), 2)
        kept(cache, "a", 1)
        assert cache.get(key_of("a")) is None
        kept(cache, "a", 3)
        assert cache.get(key_of("a")) is not None

    def test_an_older_denial_does_not_drop_a_newer_answer_nor_undo_a_newer_denial(self) -> None:
        cache = Cache(4)
        kept(cache, "a", 5)
        cache.drop(key_of("a"), 4)
        assert cache.get(key_of("a")) is not None
        cache.drop(key_of("a"), 9)
        cache.drop(key_of("a"), 7)
        kept(cache, "a", 8)
        assert cache.get(key_of("a")) is None

    def test_a_drop_leaves_the_answers_of_other_documents_alone(self) -> None:
        cache = Cache(4)
        cache.drop(key_of("a"), 9)
        kept(cache, "b", 1)
        assert cache.get(key_of("b")) is not None

    def test_many_other_denials_do_not_let_an_older_answer_back(self) -> None:
        cache = Cache(4)
        cache.drop(key_of("a"), 5)
        for number in range(6, 20):
            cache.drop(key_of(f"other {number}"), number)
        kept(cache, "a", 4)
        assert None is cache.get(key_of("a"))

    def test_an_evicted_answer_does_not_let_an_older_one_back(self) -> None:
        cache = Cache(4)
        kept(cache, "a", 5)
        for number in range(6, 12):
            kept(cache, f"other {number}", number)
        kept(cache, "a", 4)
        assert None is cache.get(key_of("a"))

    def test_clearing_forgets_all_and_what_older_flights_bring(self) -> None:
        cache = Cache(4)
        link(cache, "name", "a", kept(cache, "a", 1))
        cache.clear(3)
        kept(cache, "b", 2)
        assert (0, {}) == (len(cache), cache.hits)
        kept(cache, "b", 4)
        assert 1 == len(cache)

    def test_the_direct_entries_are_one_object_for_ever(self) -> None:
        cache = Cache(1)
        hits = cache.hits
        kept(cache, "a")
        cache.clear(1)
        kept(cache, "b", 2)
        assert hits is cache.hits


class TestLinks:
    def test_a_name_is_not_linked_to_a_document_that_is_gone_or_was_replaced(self) -> None:
        cache, old = Cache(4), entry_of("a", 1)
        link(cache, "name", "a", old)
        assert {} == cache.hits
        cache.put(key_of("a"), old)
        kept(cache, "a", 2)
        link(cache, "name", "a", old)
        assert {} == cache.hits

    def test_a_name_goes_with_any_answer_it_rests_on(self) -> None:
        cache = Cache(4)
        front, back = kept(cache, "front"), kept(cache, "back", 2)
        link(cache, "name", "back", back, (key_of("front"), front))
        assert ["name"] == list(cache.hits)
        cache.drop(key_of("front"), 2)
        assert {} == cache.hits
        link(cache, "name", "back", back, (key_of("front"), front))
        assert {} == cache.hits

    @pytest.mark.parametrize("more", [{}, {"version": "7"}], ids=["a text alone", "a document"])
    def test_all_names_of_an_answer_go_with_it(self, more: dict[str, str]) -> None:
        cache = Cache(4)
        entry = kept(cache, "a", **more)
        for name in ("one", "two", "three"):
            link(cache, name, "a", entry)
        assert 3 == len(cache.hits)
        cache.drop(key_of("a"), 1)
        assert {} == cache.hits

    def test_many_spellings_of_one_document_are_bounded(self) -> None:
        cache = Cache(5)
        entry = kept(cache, "a", version="7")
        for number in range(1000):
            link(cache, f"spelling-{number}", "a", entry)
            assert len(cache.hits) <= 20
            assert len(entry.names) <= 20
        assert set(cache.hits) == set(entry.names)

    def test_a_text_alone_and_its_first_name_are_one_object(self) -> None:
        cache = Cache(4)
        entry = kept(cache, "a")
        link(cache, "one", "a", entry, value="of a")
        link(cache, "two", "a", entry, value="of a")
        assert entry is cache.hits["one"]
        assert entry is not cache.hits["two"]
        cache.unlink(key_of("a"))
        link(cache, "two", "a", entry, value="of a")
        assert entry is not cache.hits["two"]  # a reader may have it in hand still, as that of the first name

    def test_a_secret_that_the_answer_does_not_tell_is_on_a_direct_entry_of_its_own(self) -> None:
        cache = Cache(4)
        entry = kept(cache, "a")
        stale = Secret(name="one", source="s", location="l", masked_value=masked("of a"), fetched_at=0.0)
        cache.link("one", entry, masked("of a"), 9.0, secret=stale, rests_on=[(key_of("a"), entry)])
        assert (stale, 9.0) == (cache.hits["one"].secret, cache.hits["one"].until)
        assert entry is not cache.hits["one"]

    @pytest.mark.parametrize("does", ["clear", "drop"])
    def test_what_a_signal_handler_forgets_meanwhile_is_not_linked(self, does: str) -> None:
        cache = Cache(4)
        key = key_of("a")

        class Interrupted(Whole):
            def hit_for(self, *arguments: Any) -> Hit:
                cache.clear(1) if does == "clear" else cache.drop(key, 1)
                return super().hit_for(*arguments)

        entry = Interrupted(Document(value="of a"), fetched_at=100.0, number=1)
        cache.put(key, entry)
        link(cache, "name", "a", entry)
        assert {} == cache.hits

    def test_linking_a_name_again_does_not_list_it_twice(self) -> None:
        cache = Cache(4)
        entry = kept(cache, "a")
        link(cache, "name", "a", entry)
        link(cache, "name", "a", entry)
        assert ("name",) == entry.names


class TestEviction:
    def test_no_more_documents_are_kept_than_allowed_and_the_oldest_goes_first(self) -> None:
        cache = Cache(3)
        for address in "abcd":
            kept(cache, address)
        assert 3 == len(cache)
        assert cache.get(key_of("a")) is None

    def test_reading_a_document_makes_it_the_last_to_go(self) -> None:
        cache = Cache(3)
        for address in "abc":
            kept(cache, address)
        cache.get(key_of("a"))
        kept(cache, "d")
        assert cache.get(key_of("b")) is None
        assert cache.get(key_of("a")) is not None

    def test_the_mark_of_a_hit_counts_as_a_use_once(self) -> None:
        cache = Cache(3)
        hot = kept(cache, "hot")
        hot.used = True
        for address in "bcd":
            kept(cache, address)
        assert not hot.used
        assert hot is cache.get(key_of("hot"))
        assert hot.used
        for number, address in enumerate("efgh", 2):
            kept(cache, address, number)
        assert cache.get(key_of("hot")) is None

    def test_when_all_are_marked_one_goes_all_the_same(self) -> None:
        cache = Cache(3)
        for address in "abc":
            kept(cache, address).used = True
        kept(cache, "d")
        assert 3 == len(cache)
        assert cache.get(key_of("d")) is not None

    def test_direct_entries_go_with_the_evicted_document(self) -> None:
        cache = Cache(1)
        link(cache, "name", "a", kept(cache, "a"))
        kept(cache, "b")
        assert {} == cache.hits

    def test_replacing_a_document_in_a_full_cache_evicts_nothing(self) -> None:
        cache = Cache(2)
        kept(cache, "a")
        kept(cache, "b")
        kept(cache, "b", 2)
        assert cache.get(key_of("a")) is not None

    def test_the_mark_of_a_name_counts_for_the_document_that_it_is_from(self) -> None:
        cache = Cache(3)
        front, hot = kept(cache, "front"), kept(cache, "hot", 2, version="7")
        link(cache, "name", "hot", hot, (key_of("front"), front))
        cache.hits["name"].used = True
        for number, address in enumerate("cd", 3):
            kept(cache, address, number)
        assert hot is cache.get(key_of("hot"))
        assert cache.get(key_of("front")) is None

    def test_the_mark_of_a_name_counts_once(self) -> None:
        cache = Cache(3)
        link(cache, "name", "hot", kept(cache, "hot", version="7"))
        cache.hits["name"].used = True
        for number, address in enumerate("bcdefgh", 2):
            kept(cache, address, number)
        assert cache.get(key_of("hot")) is None

    @pytest.mark.parametrize("ends", ["unlink", "put", "_unlink_all"])
    def test_the_mark_of_a_name_outlives_its_direct_entry(self, ends: str) -> None:
        cache = Cache(3)
        link(cache, "name", "hot", kept(cache, "hot", version="7"))
        cache.hits["name"].used = True
        if ends == "put":
            kept(cache, "hot", 2, version="8")
        else:
            getattr(cache, ends)(*([key_of("hot")] if ends == "unlink" else []))
        assert {} == cache.hits
        for number, address in enumerate("bcd", 3):
            kept(cache, address, number)
        assert cache.get(key_of("hot")) is not None


class TestDistrust:
    @pytest.mark.parametrize("more", [{}, {"version": "7"}], ids=["a text alone", "a document"])
    def test_the_answer_stays_and_is_marked_and_its_names_are_not_answered_from_it(
        self, more: dict[str, str]
    ) -> None:
        cache = Cache(3)
        entry = kept(cache, "a", 4, **more)
        link(cache, "name", "a", entry)
        cache.distrust(key_of("a"), 5)
        left = cache.get(key_of("a"))
        assert left is not None
        assert (True, 4, 100.0, "of a") == (left.distrusted, left.number, left.fetched_at, left.pick(None))
        assert {} == cache.hits

    def test_a_newer_answer_is_trusted(self) -> None:
        cache = Cache(3)
        new = kept(cache, "a", 6)
        cache.distrust(key_of("a"), 5)
        assert new is cache.get(key_of("a"))
        assert not new.distrusted

    @pytest.mark.parametrize("more", [{}, {"version": "7"}], ids=["a text alone", "a document"])
    def test_what_was_looked_at_before_is_no_direct_entry_any_more(self, more: dict[str, str]) -> None:
        cache = Cache(3)
        entry = kept(cache, "a", 4, **more)
        cache.distrust(key_of("a"), 5)
        link(cache, "name", "a", entry)
        assert {} == cache.hits

    @pytest.mark.parametrize("more", [{}, {"version": "7"}], ids=["a text alone", "a document"])
    def test_it_keeps_its_mark(self, more: dict[str, str]) -> None:
        cache = Cache(2)
        link(cache, "name", "a", kept(cache, "a", 1, **more))
        cache.hits["name"].used = True
        kept(cache, "b", 2)
        cache.distrust(key_of("a"), 3)
        kept(cache, "c", 4)
        assert cache.get(key_of("a")) is not None

    def test_it_keeps_its_place_in_the_order(self) -> None:
        cache = Cache(2)
        kept(cache, "a", 1), kept(cache, "b", 2)
        cache.distrust(key_of("a"), 3)
        kept(cache, "c", 4)
        assert (None, True) == (cache.get(key_of("a")), cache.get(key_of("b")) is not None)


class TestChild:
    def test_a_change_that_the_fork_cut_short_is_put_in_order(self) -> None:
        # Another thread stood in the middle of an eviction: a document is out, its names are still there.
        cache = Cache(3)
        entries = {address: kept(cache, address) for address in "abc"}
        for address, entry in entries.items():
            link(cache, f"name-{address}", address, entry)
        held, release = threading.Event(), threading.Event()

        def hold() -> None:
            with cache._lock:
                cache._documents.pop(key_of("b"))
                held.set()
                release.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(5)
        cache._reset()
        release.set()
        holder.join()
        assert entries["a"] is cache.get(key_of("a"))
        assert {} == cache.hits
        for address in "defgh":
            kept(cache, address)
        assert 3 == len(cache)

    def test_documents_stay_and_direct_entries_are_made_anew(self) -> None:
        cache = Cache(3)
        entry = kept(cache, "a", version="7")
        link(cache, "name", "a", entry)
        cache._reset()
        assert (1, {}, ()) == (len(cache), cache.hits, entry.names)

    def test_the_lock_of_the_parent_is_replaced(self) -> None:
        cache = Cache(3)
        holder = cache._lock
        holder.acquire()
        cache._reset()
        done = threading.Event()
        threading.Thread(target=lambda: (kept(cache, "a"), done.set())).start()
        assert done.wait(5)


def test_the_repr_counts_and_shows_none() -> None:
    cache = Cache(7)
    kept(cache, "a")
    assert "Cache(1 of 7 documents)" == repr(cache)
