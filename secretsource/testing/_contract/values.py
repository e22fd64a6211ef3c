"""The part of the contract about values: exact, or not there."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

import secrets

from secretsource.resolvers import Document
from secretsource.testing._contract.hooks import Hooks, only_if
from secretsource.testing._contract.kept import Canary, Kept, new_path

__all__ = ["ValueTests"]

_LONG = 60_000


class ValueTests(Hooks):
    """What was stored comes back to the last character, and what was not is "not there"."""

    def test_text_comes_back(self) -> None:
        """Printable ASCII, with everything that has a meaning to some format or shell."""
        self._comes_back("".join(map(chr, range(33, 127))))

    def test_a_name_of_one_segment_is_found(self) -> None:
        """It is the whole value."""
        self._comes_back(Canary(), name=new_path())

    def test_a_name_of_many_segments_is_found(self) -> None:
        """The path may be deep."""
        self._comes_back(Canary(), name=f"{new_path()}/deep/er/field")

    def test_unicode_comes_back(self) -> None:
        """Also outside the basic plane, right-to-left, and not normalized."""
        self._comes_back("zażółć e\u0301 \u05d0\u05d1 🗝️ ﷽ \ufeff|")

    def test_space_around_a_value_is_kept(self) -> None:
        """Nothing is stripped."""
        self._comes_back("  \t between \t ")

    def test_line_ends_inside_a_value_are_kept(self) -> None:
        """Nor is anything joined or rewritten, as in a PEM key."""
        self._comes_back("one\ntwo\n\n  three\n\tfour")

    @only_if(lambda cls: cls.keeps_line_end)
    def test_a_line_end_at_the_end_is_kept(self) -> None:
        """A single last line end belongs to the value."""
        self._comes_back("value\n")

    def test_a_value_that_looks_like_something_else_is_text(self) -> None:
        """JSON, numbers, references and templates are values like any other."""
        for text in (
            '{"a": 1}',
            "[]",
            "null",
            "true",
            "007",
            "1e3",
            "env://HOME",
            "${HOME}",
            "$HOME",
            "%41",
            "=",
            "#",
        ):
            self._comes_back(text)

    def test_a_long_value_comes_back_whole(self) -> None:
        """60 kB, nothing cut."""
        self._comes_back("0123456789" * (_LONG // 10))

    @only_if(lambda cls: cls.stores_empty)
    def test_an_empty_value_is_a_value(self) -> None:
        """Empty is found, not missing."""
        self._comes_back("")

    @only_if(lambda cls: cls.binary)
    def test_bytes_come_back(self) -> None:
        """Every byte, as bytes."""
        self._comes_back(bytes(range(255, -1 if self.stores_nul else 0, -1)), name=new_path())

    def test_what_was_never_stored_is_not_there(self) -> None:
        """A document that does not exist is "not there": neither an error nor empty."""
        with self.opened() as resolver:
            assert self.read(resolver, f"{new_path()}/field") == Kept(None)
            assert self.read(resolver, new_path()) == Kept(None)

    def test_a_field_that_the_document_lacks_is_not_there(self) -> None:
        """The neighbour's value is not given out in its place."""
        path = new_path()
        self.put(f"{path}/one", Canary().text)
        with self.opened() as resolver:
            assert self.read(resolver, f"{path}/two") == Kept(None)

    def test_what_was_removed_is_not_there(self) -> None:
        """Not with the next fetch: what is kept is the store's business."""
        name = f"{new_path()}/field"
        self.put(name, Canary().text)
        with self.opened() as resolver:
            assert self.read(resolver, name) != Kept(None)
            self.remove(name)
            assert self.read(resolver, name) == Kept(None)

    def test_what_was_changed_is_new_with_the_next_fetch(self) -> None:
        """A resolver keeps no values."""
        name, old, new = f"{new_path()}/field", Canary(), Canary()
        self.put(name, old.text)
        with self.opened() as resolver:
            assert self.read(resolver, name) == old
            self.put(name, new.text)
            assert self.read(resolver, name) == new

    @only_if(lambda cls: cls.documents)
    def test_a_document_has_all_its_fields_and_no_others(self) -> None:
        """With ``document=True``; not those of a path that only starts alike."""
        path, first, second = new_path(), Canary(), Canary()
        self.put(f"{path}/first", first.text)
        self.put(f"{path}/second", second.text)
        self.put(f"{path}{secrets.token_hex(2)}/third", Canary().text)
        with self.opened() as resolver:
            answer = self.ask(resolver, path, document=True)
        assert isinstance(answer, Document)
        assert {key: Kept(value.reveal()) for key, value in answer.fields.items()} == {
            "first": first,
            "second": second,
        }

    @only_if(lambda cls: cls.documents)
    def test_a_document_without_fields_is_not_there(self) -> None:
        """A whole document that does not exist has no field."""
        with self.opened() as resolver:
            answer = self.ask(resolver, new_path(), document=True)
        assert not (isinstance(answer, Document) and answer.fields)

    @only_if(lambda cls: cls.versions)
    def test_a_change_is_a_new_version(self) -> None:
        """Every answer tells its version."""
        name = f"{new_path()}/field"
        versions = [self._put_and_ask(name).version for _ in range(2)]
        assert all(versions), f"an answer tells no version: {versions}"
        assert versions[0] != versions[1]

    @only_if(lambda cls: cls.versions and cls.overrides("reference"))
    def test_an_old_version_can_be_asked_for(self) -> None:
        """A reference with ``version=`` leads to the value of then."""
        name = f"{new_path()}/field"
        old = self._put_and_ask(name)
        self.put(name, Canary().text)
        with self.opened() as resolver:
            then = self.ask(resolver, self.reference(name, version=old.version))
            found = self.read(resolver, self.reference(name, version=old.version))
            location = resolver.locate(name)
        value = old.pick(location.field)
        assert value is not None
        assert found == Kept(value.reveal())
        assert isinstance(then, Document)
        assert then.version == old.version

    def _put_and_ask(self, name: str) -> Document:
        self.put(name, Canary().text)
        with self.opened() as resolver:
            answer = self.ask(resolver, name)
        assert isinstance(answer, Document)
        return answer

    def _comes_back(self, value: str | bytes | Canary, *, name: str = "") -> None:
        name = name or f"{new_path()}/field"
        stored = value if isinstance(value, Canary) else Kept(value)
        self.put(name, stored.plain or "")
        with self.opened() as resolver:
            found = self.read(resolver, name)
        assert found == stored
