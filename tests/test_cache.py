from __future__ import annotations

import threading

from secretsource._cache import Cache, DocumentKey, Entry, Hit
from secretsource._secret import Document, NotThere, masked


def key_of(address: str) -> DocumentKey:
    return DocumentKey("fake", address, None, None)


def entry_of(address: str, number: int = 1, *, lease: float | None = None) -> Entry:
    answer = Document(value=f"of {address}", lease=lease)
    return Entry(key_of(address), answer, fetched_at=100.0, number=number)


def hit_of(name: str, entry: Entry) -> Hit:
    del name
    return Hit(masked("any"), entry, 200.0)


def link(cache: Cache, name: str, entry: Entry, *rests_on: Entry) -> None:
    cache.link(name, hit_of(name, entry), [*rests_on, entry])


class TestEntry:
    def test_its_lease_is_that_of_the_document(self) -> None:
        assert 10.0 == entry_of("a", lease=10).lease
        assert entry_of("a").lease is None

    def test_what_is_not_there_has_no_lease(self) -> None:
        assert Entry(key_of("a"), NotThere(), fetched_at=100.0, number=1).lease is None


class TestOrder:
    def test_a_newer_answer_replaces_an_older_one_and_its_direct_entries(self) -> None:
        cache, old, new = Cache(4), entry_of("a", 1), entry_of("a", 2)
        cache.put(old)
        link(cache, "name", old)
        cache.put(new)
        assert new is cache.get(key_of("a"))
        assert {} == cache.hits

    def test_an_older_answer_never_replaces_a_newer_one(self) -> None:
        cache, new = Cache(4), entry_of("a", 2)
        cache.put(new)
        link(cache, "name", new)
        cache.put(entry_of("a", 1))
        assert new is cache.get(key_of("a"))
        assert ["name"] == list(cache.hits)

    def test_an_older_answer_is_not_kept_after_a_newer_denial(self) -> None:
        cache = Cache(4)
        cache.drop(key_of("a"), 2)
        cache.put(entry_of("a", 1))
        assert cache.get(key_of("a")) is None
        cache.put(entry_of("a", 3))
        assert cache.get(key_of("a")) is not None

    def test_an_older_denial_does_not_drop_a_newer_answer_nor_undo_a_newer_denial(self) -> None:
        cache = Cache(4)
        cache.put(entry_of("a", 5))
        cache.drop(key_of("a"), 4)
        assert cache.get(key_of("a")) is not None
        cache.drop(key_of("a"), 9)
        cache.drop(key_of("a"), 7)
        cache.put(entry_of("a", 8))
        assert cache.get(key_of("a")) is None

    def test_a_drop_leaves_the_answers_of_other_documents_alone(self) -> None:
        cache = Cache(4)
        cache.drop(key_of("a"), 9)
        cache.put(entry_of("b", 1))
        assert cache.get(key_of("b")) is not None

    def test_many_other_denials_do_not_let_an_older_answer_back(self) -> None:
        cache = Cache(4)
        cache.drop(key_of("a"), 5)
        for number in range(6, 20):
            cache.drop(key_of(f"other {number}"), number)
        cache.put(entry_of("a", 4))
        assert None is cache.get(key_of("a"))

    def test_an_evicted_answer_does_not_let_an_older_one_back(self) -> None:
        cache = Cache(4)
        cache.put(entry_of("a", 5))
        for number in range(6, 12):
            cache.put(entry_of(f"other {number}", number))
        cache.put(entry_of("a", 4))
        assert None is cache.get(key_of("a"))

    def test_clearing_forgets_all_and_what_older_flights_bring(self) -> None:
        cache, entry = Cache(4), entry_of("a", 1)
        cache.put(entry)
        link(cache, "name", entry)
        cache.clear(3)
        cache.put(entry_of("b", 2))
        assert (0, {}) == (len(cache), cache.hits)
        cache.put(entry_of("b", 4))
        assert 1 == len(cache)

    def test_the_direct_entries_are_one_object_for_ever(self) -> None:
        cache = Cache(1)
        hits = cache.hits
        cache.put(entry_of("a"))
        cache.clear(1)
        cache.put(entry_of("b", 2))
        assert hits is cache.hits


class TestLinks:
    def test_a_name_is_not_linked_to_a_document_that_is_gone_or_was_replaced(self) -> None:
        cache, old = Cache(4), entry_of("a", 1)
        link(cache, "name", old)
        assert {} == cache.hits
        cache.put(old)
        cache.put(entry_of("a", 2))
        link(cache, "name", old)
        assert {} == cache.hits

    def test_a_name_goes_with_any_answer_it_rests_on(self) -> None:
        cache, front, back = Cache(4), entry_of("front"), entry_of("back")
        cache.put(front)
        cache.put(back)
        link(cache, "name", back, front)
        assert ["name"] == list(cache.hits)
        cache.drop(key_of("front"), 2)
        assert {} == cache.hits
        link(cache, "name", back, front)
        assert {} == cache.hits

    def test_all_names_of_a_document_go_with_it(self) -> None:
        cache, entry = Cache(4), entry_of("a")
        cache.put(entry)
        for name in ("one", "two", "three"):
            link(cache, name, entry)
        cache.drop(key_of("a"), 1)
        assert {} == cache.hits

    def test_many_spellings_of_one_document_are_bounded(self) -> None:
        cache, entry = Cache(5), entry_of("a")
        cache.put(entry)
        for number in range(1000):
            link(cache, f"spelling-{number}", entry)
            assert len(cache.hits) <= 20
            assert len(entry.names) <= 20
        assert set(cache.hits) == set(entry.names)

    def test_linking_a_name_again_does_not_list_it_twice(self) -> None:
        cache, entry = Cache(4), entry_of("a")
        cache.put(entry)
        link(cache, "name", entry)
        link(cache, "name", entry)
        assert ("name",) == entry.names


class TestEviction:
    def test_no_more_documents_are_kept_than_allowed_and_the_oldest_goes_first(self) -> None:
        cache = Cache(3)
        for address in "abcd":
            cache.put(entry_of(address))
        assert 3 == len(cache)
        assert cache.get(key_of("a")) is None

    def test_reading_a_document_makes_it_the_last_to_go(self) -> None:
        cache = Cache(3)
        for address in "abc":
            cache.put(entry_of(address))
        cache.get(key_of("a"))
        cache.put(entry_of("d"))
        assert cache.get(key_of("b")) is None
        assert cache.get(key_of("a")) is not None

    def test_the_mark_of_a_hit_counts_as_a_use_once(self) -> None:
        cache, hot = Cache(3), entry_of("hot")
        cache.put(hot)
        hot.used = True
        for address in "bcd":
            cache.put(entry_of(address))
        assert not hot.used
        assert hot is cache.get(key_of("hot"))
        assert hot.used
        for number, address in enumerate("efgh", 2):
            cache.put(entry_of(address, number))
        assert cache.get(key_of("hot")) is None

    def test_when_all_are_marked_one_goes_all_the_same(self) -> None:
        cache = Cache(3)
        entries = [entry_of(address) for address in "abc"]
        for entry in entries:
            cache.put(entry)
            entry.used = True
        cache.put(entry_of("d"))
        assert 3 == len(cache)
        assert cache.get(key_of("d")) is not None

    def test_direct_entries_go_with_the_evicted_document(self) -> None:
        cache, entry = Cache(1), entry_of("a")
        cache.put(entry)
        link(cache, "name", entry)
        cache.put(entry_of("b"))
        assert {} == cache.hits

    def test_replacing_a_document_in_a_full_cache_evicts_nothing(self) -> None:
        cache = Cache(2)
        cache.put(entry_of("a"))
        cache.put(entry_of("b"))
        cache.put(entry_of("b", 2))
        assert cache.get(key_of("a")) is not None


class TestChild:
    def test_a_change_that_the_fork_cut_short_is_put_in_order(self) -> None:
        # Another thread stood in the middle of an eviction: a document is out, its names are still there.
        cache = Cache(3)
        entries = {address: entry_of(address) for address in "abc"}
        for address, entry in entries.items():
            cache.put(entry)
            link(cache, f"name-{address}", entry)
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
            cache.put(entry_of(address))
        assert 3 == len(cache)

    def test_documents_stay_and_direct_entries_are_made_anew(self) -> None:
        cache, entry = Cache(3), entry_of("a")
        cache.put(entry)
        link(cache, "name", entry)
        cache._reset()
        assert (1, {}, ()) == (len(cache), cache.hits, entry.names)

    def test_the_lock_of_the_parent_is_replaced(self) -> None:
        cache = Cache(3)
        holder = cache._lock
        holder.acquire()
        cache._reset()
        done = threading.Event()
        threading.Thread(target=lambda: (cache.put(entry_of("a")), done.set())).start()
        assert done.wait(5)


def test_the_repr_counts_and_shows_none() -> None:
    cache = Cache(7)
    cache.put(entry_of("a"))
    assert "Cache(1 of 7 documents)" == repr(cache)
