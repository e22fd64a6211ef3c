"""The part of the contract about many secrets in one call."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from secretsource.errors import ResolverError
from secretsource.resolvers import Answer, Deadline, Location, Resolver, SupportsFetchMany
from secretsource.testing._contract.forked import Child
from secretsource.testing._contract.hooks import Hooks, only_if, picked
from secretsource.testing._contract.kept import Canary, Kept, leaks, new_path, pickled, printed

__all__ = ["BatchTests"]

_MANY = 45  # more than backends take in one request
_SOON = 2.0
_Outcome = Kept | tuple[type[ResolverError], str]


class BatchTests(Hooks):
    """For every location, `fetch_many` says what `fetch` says, in the order that was asked for."""

    def test_it_has_batches_only_if_it_says_so(self) -> None:
        """A class attribute ``batches = True`` says that the tests of `fetch_many` are wanted."""
        with self.opened() as resolver:
            has = isinstance(resolver, SupportsFetchMany)
        assert has == self.batches, (
            f"batches = {self.batches}, and fetch_many is {'' if has else 'not '}there"
        )

    @only_if(lambda cls: cls.batches)
    def test_no_location_is_no_answer(self) -> None:
        """An empty round is answered with nothing."""
        with self.opened() as resolver:
            assert self._ask_all(resolver, []) == []

    @only_if(lambda cls: cls.batches)
    def test_one_location_is_answered(self) -> None:
        """A round of one is a round."""
        name = f"{new_path()}/field"
        self._same_as_fetch([name], self._put_all([name]))

    @only_if(lambda cls: cls.batches)
    def test_many_are_answered_in_their_order(self) -> None:
        """More than fit into one request of most backends."""
        names = [f"{new_path()}/field" for _ in range(_MANY)]
        self._same_as_fetch(names[::-1], self._put_all(names))

    @only_if(lambda cls: cls.batches)
    def test_what_is_not_there_takes_nothing_from_its_neighbours(self) -> None:
        """Neither a document nor a field that does not exist, nor one that was removed."""
        names = [f"{new_path()}/field" for _ in range(6)]
        stored = self._put_all([*names[::2], names[1]])
        self.remove(names[1])
        del stored[names[1]]
        lacking = f"{names[0].partition('/')[0]}/other"
        self._same_as_fetch([*names, lacking], stored)

    @only_if(lambda cls: cls.batches)
    def test_fields_of_one_document_are_told_apart(self) -> None:
        """Also where the round asks for its name alone, and for its neighbour's."""
        path, other = new_path(), new_path()
        names = [f"{path}/one", f"{other}/one", f"{path}/two"]
        self._same_as_fetch([*names, path], self._put_all(names))

    @only_if(lambda cls: cls.batches)
    def test_one_that_is_asked_for_twice_is_answered_twice(self) -> None:
        """At each of its places."""
        names = [f"{new_path()}/field" for _ in range(3)]
        missing = f"{new_path()}/field"
        self._same_as_fetch([names[0], missing, *names, missing, names[0]], self._put_all(names))

    @only_if(lambda cls: cls.batches and cls.documents)
    def test_whole_documents_are_part_of_a_round(self) -> None:
        """With ``document=True``, they have the fields that `fetch` gives them."""
        name, beside = f"{new_path()}/field", f"{new_path()}/field"
        self._put_all([name, beside])
        with self.opened() as resolver:
            places = [resolver.locate(name.partition("/")[0], document=True), resolver.locate(beside)]
            alone = [resolver.fetch(place, Deadline(self.timeout)) for place in places]
            found = self._ask_all(resolver, places)
        assert [_fields(answer) for answer in alone] == [_fields(answer) for answer in found]

    @only_if(lambda cls: cls.batches and cls.versions and cls.overrides("reference"))
    def test_old_versions_are_part_of_a_round(self) -> None:
        """Beside the newest one."""
        name, old = f"{new_path()}/field", Canary()
        self.put(name, old.text)
        with self.opened() as resolver:
            version = getattr(self.ask(resolver, name), "version", None)
        new = self._put_all([name])[name]
        reference = self.reference(name, version=version)
        self._same_as_fetch([reference, name], {reference: old, name: new})

    @only_if(lambda cls: cls.batches and cls.overrides("deny"))
    def test_a_denial_is_that_of_its_location_alone(self) -> None:
        """It is returned as an `AccessDenied` that leads to no client; its neighbours are answered as by `fetch`."""
        names = [f"{new_path()}/field" for _ in range(4)]
        values = self._put_all(names[:3])
        self.deny(names[1])
        with self.opened() as resolver:
            alone = self._alone(resolver, names)
            answers = self._ask_all(resolver, [resolver.locate(name) for name in names])
            found = [
                _outcome(answer, resolver.locate(name)) for answer, name in zip(answers, names, strict=True)
            ]
        errors = [answer for answer in answers if isinstance(answer, ResolverError)]
        assert alone == found
        assert errors
        assert len({id(error) for error in errors}) == len(errors), "two locations share one error"
        assert not any(error.__traceback__ or error.__cause__ or error.__context__ for error in errors)
        shown = [text for error in errors for text in (printed(error), pickled(error))]
        assert not leaks([*values.values(), *map(Kept, self.credentials())], shown)

    @only_if(lambda cls: cls.batches)
    def test_a_round_without_time_ends_soon(self) -> None:
        """With errors for locations, one for the round, or answers that were at hand."""
        names = [f"{new_path()}/field" for _ in range(3)]
        values = self._put_all(names)
        with self.opened() as resolver:
            places = [resolver.locate(name) for name in names]
            self._ask_all(resolver, places)
            started = time.monotonic()
            answers = self._ask_all(resolver, places, Deadline(0.0))
            seconds = time.monotonic() - started
        assert seconds < _SOON, f"it took {seconds:.1f} s"
        for name, place, answer in zip(names, places, answers, strict=True):
            assert isinstance(answer, ResolverError) or picked(answer, place) == values[name]

    @only_if(lambda cls: cls.batches and hasattr(os, "fork"))
    def test_a_forked_child_gets_right_answers_to_a_round(self) -> None:
        """While the parent asks for another one."""
        ours, theirs = (self._put_all([f"{new_path()}/field" for _ in range(3)]) for _ in range(2))
        with self.opened() as resolver:
            self._ask_all(resolver, [resolver.locate(name) for name in ours])
            child = Child(lambda: self._wrong_in_round(resolver, theirs))
            parent = self._wrong_in_round(resolver, ours)
            verdict = child.verdict(2 * self.timeout)
        assert verdict == "", f"in the child: {verdict}"
        assert parent == "", f"in the parent: {parent}"

    def _put_all(self, names: Sequence[str]) -> dict[str, Canary]:
        values = {name: Canary() for name in names}
        for name, value in values.items():
            self.put(name, value.text)
        return values

    def _same_as_fetch(self, names: Sequence[str], stored: dict[str, Canary]) -> None:
        with self.opened() as resolver:
            places = [resolver.locate(name) for name in names]
            alone = self._alone(resolver, names)
            answers = self._ask_all(resolver, places)
        found = [_outcome(answer, place) for answer, place in zip(answers, places, strict=True)]
        assert found == alone
        assert [stored[name] for name in names if name in stored] == [
            value for name, value in zip(names, found, strict=True) if name in stored
        ]

    def _alone(self, resolver: Resolver, names: Sequence[str]) -> list[_Outcome]:
        """Ask for each with `fetch`."""
        outcomes = []
        for place in map(resolver.locate, names):
            try:
                answer: Answer | ResolverError = resolver.fetch(place, Deadline(self.timeout))
            except ResolverError as error:
                answer = error.copy()
            outcomes.append(_outcome(answer, place))
        return outcomes

    def _ask_all(
        self, resolver: Resolver, places: Sequence[Location], deadline: Deadline | None = None
    ) -> list[Answer | ResolverError]:
        """Ask with `fetch_many`; what it raises counts for every location."""
        assert isinstance(resolver, SupportsFetchMany)
        try:
            answers = list(resolver.fetch_many(places, deadline or Deadline(self.timeout)))
        except ResolverError as error:
            answers = [error.copy() for _ in places]
        assert len(answers) == len(places), f"{len(answers)} answers to {len(places)} locations"
        return answers

    def _wrong_in_round(self, resolver: Resolver, values: dict[str, Canary]) -> str:
        """Ask a few times and say what is wrong; never a value."""
        places = [resolver.locate(name) for name in values]
        for _ in range(5):
            for answer, place, value in zip(
                self._ask_all(resolver, places), places, values.values(), strict=True
            ):
                if _outcome(answer, place) != value:
                    return f"{_outcome(answer, place)!r} instead of {value!r}"
        return ""


def _outcome(answer: Answer | ResolverError, place: Location) -> _Outcome:
    if isinstance(answer, ResolverError):
        return type(answer), answer.reason
    return picked(answer, place)


def _fields(answer: Answer | ResolverError) -> dict[str, Kept]:
    fields = getattr(answer, "fields", {})
    return {name: Kept(value.reveal()) for name, value in fields.items()}
