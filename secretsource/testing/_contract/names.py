"""The part of the contract about names and references."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from secretsource._reference import check_resolver_name
from secretsource.errors import InvalidReference
from secretsource.resolvers import Location, Resolver
from secretsource.testing._contract.hooks import Hooks, only_if, raised
from secretsource.testing._contract.kept import Canary, leaks, new_path
from secretsource.testing._contract.watch import watched

__all__ = ["NameTests"]

_BAD_NAMES = (
    *("", "/", "/a", "a/", "a//b", "//a"),
    *(".", "..", "../a", "a/..", "a/../b", "a/./b", "./a"),
    *("%2e%2e/a", "a/%2e%2e/b", "a%2fb", "a%00b", "a%"),
    *("a b", " a", "a\t", "a\nb", "a\r\nb", "a\x00b", "a\x1b[0m", "a\x7f"),
    *("é", "a/\u202eb", "\uff0e\uff0e/a", "a\u2028b", "\ud800"),
    *(
        "a,b",
        "a?b",
        "a#b",
        "a&b",
        "a:b",
        "a;b",
        "a*",
        "a\\b",
        "..\\a",
        "~",
        "$(a)",
        "`a`",
        "{a}",
        "[a]",
        "'a'",
        '"a"',
    ),
    *("a" * 513, "a/" * 256 + "a"),
)
_BAD_REFERENCES = (
    *("", "#a", "?version=1", "a//b", "a/", "..", "../a", "a/../b", "a/./b"),
    *("%2e%2e/a", "a/%2E%2E/b", "a%2fb", "a%00", "a%0ab", "a%zz", "a%", "a b", "a/%e2%80%ae", "%ff"),
    *(
        "a?",
        "a?color=red",
        "a?version",
        "a?version=1&version=2",
        "a?Version=1",
        "a?stage=",
        "a#",
        "a#b#c",
        "a#%00",
    ),
    "a" * 2048,
)


class NameTests(Hooks):
    """A resolver refuses what is no name before it does anything, and finds places without looking."""

    def test_it_is_a_resolver(self) -> None:
        """It has the parts of the protocol, and a name that can be a scheme."""
        with self.opened() as resolver:
            assert isinstance(resolver, Resolver)
            assert check_resolver_name(resolver.name)

    def test_a_place_is_found_without_io(self) -> None:
        """Locate opens nothing and asks nobody, also for a name that it has not seen."""
        with self.opened() as resolver:
            resolver.locate(f"{new_path()}/first")  # what it imports, it has imported now
            with watched() as seen:
                places = [resolver.locate(f"{new_path()}/field"), resolver.locate(new_path())]
        assert all(isinstance(place, Location) for place in places)
        assert not seen, f"locate did I/O: {seen}"

    def test_a_place_is_always_the_same(self) -> None:
        """Locate depends on the name and the settings, not on what is stored or was fetched."""
        name, value = f"{new_path()}/field", Canary()
        with self.opened() as resolver, self.opened() as other:
            before = resolver.locate(name)
            self.put(name, value.text)
            self.ask(resolver, name)
            after = resolver.locate(name)
            places = {before, after, other.locate(name)}
            texts = {str(before), str(after), str(other.locate(name))}
        assert len(places) == 1, f"one name, several places: {places}"
        assert len(texts) == 1, f"one name, several texts: {texts}"
        assert not leaks([value], [repr(after), str(after), after.address])

    def test_two_names_have_two_places(self) -> None:
        """Neither another path nor another field is taken for the same secret."""
        path, other = new_path(), new_path()
        with self.opened() as resolver:
            names = [f"{path}/a", f"{path}/b", f"{other}/a", f"{path}/a/b", path]
            places = [resolver.locate(name) for name in names]
        assert len({(place.address, place.field) for place in places}) == len(places)

    def test_a_name_that_is_none_is_refused_before_any_io(self) -> None:
        """Names may come from untrusted places, and must never climb out of where a resolver looks."""
        with self.opened() as resolver:
            for document in (False, True):
                for name in _BAD_NAMES:
                    self._refused(resolver, name, document=document)

    def test_a_reference_that_is_none_is_refused_before_any_io(self) -> None:
        """Nor is a reference taken that is malformed, climbs, or asks for what no backend has."""
        with self.opened() as resolver:
            for rest in _BAD_REFERENCES:
                self._refused(resolver, f"{resolver.name}://{rest}", document=False)

    def test_a_reference_to_another_resolver_is_refused(self) -> None:
        """What is written for another backend is not looked for here."""
        with self.opened() as resolver:
            for scheme in (f"x{resolver.name}", f"{resolver.name}x", "", "a b", "1"):
                self._refused(resolver, f"{scheme}://{new_path()}", document=False)

    @only_if(lambda cls: cls.overrides("reference"))
    def test_a_reference_finds_what_its_name_finds(self) -> None:
        """The explicit way of writing leads to the same value."""
        name, value = f"{new_path()}/field", Canary()
        self.put(name, value.text)
        with self.opened() as resolver:
            assert self.read(resolver, self.reference(name)) == value

    def _refused(self, resolver: Resolver, name: str, *, document: bool) -> None:
        with watched() as seen:
            raised(
                InvalidReference,
                lambda: resolver.locate(name, document=document),
                f"locate({name[:60]!a}, document={document})",
            )
        assert not seen, f"locate({name[:60]!a}) did I/O before it refused: {seen}"
