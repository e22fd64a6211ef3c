from __future__ import annotations

import pytest

from secretsource._chain import Ask, Found, Link, Looked, walk
from secretsource._entries import entry_of
from secretsource._secret import Document, NotThere
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    DeadlineExceeded,
    InvalidReference,
    InvalidResponse,
    Outcome,
    Reason,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
    Step,
)
from secretsource.resolvers import Location
from tests.fakes import FakeResolver

DOCUMENT = Document(value="any", version="7")


def ask(name: str = "one", **policy: str) -> Ask:
    link = Link(FakeResolver(name), **policy)
    return Ask(link, Location(address="path", text=f"path at {name}"))


def looked(answer: object) -> Looked:
    if isinstance(answer, SecretSourceError):
        return Looked(answer=answer, seconds=0.5)
    assert isinstance(answer, Document | NotThere)
    return Looked(answer=answer, entry=entry_of(answer, fetched_at=0.0, number=1), seconds=0.5)


def drive(asks: list[Ask], answers: list[object], steps: list[Step] | None = None) -> Found:
    """Walk the asks with these answers; every answer must be used up."""
    waiting = [looked(answer) for answer in answers]
    walking = walk("a/b", asks, [] if steps is None else steps)
    try:
        next(walking)
        while True:
            walking.send(waiting.pop(0))
    except StopIteration as end:
        assert [] == waiting
        found = end.value
        assert isinstance(found, Found)
        return found


class TestPolicy:
    @pytest.mark.parametrize(
        ("error", "policy", "passes"),
        [
            (AccessDenied(), {}, False),
            (AccessDenied(), {"on_unavailable": "next"}, False),
            (AccessDenied(), {"on_denied": "next"}, True),
            (BackendUnavailable(), {}, False),
            (BackendUnavailable(), {"on_denied": "next"}, False),
            (BackendUnavailable(), {"on_unavailable": "next"}, True),
            (DeadlineExceeded(), {"on_unavailable": "next"}, True),
            (BackendUnavailable(reason=Reason.TLS), {"on_unavailable": "next", "on_denied": "next"}, False),
            (InvalidResponse(), {"on_unavailable": "next", "on_denied": "next"}, False),
            (ResolverError(), {"on_unavailable": "next", "on_denied": "next"}, False),
            (ConfigError("any"), {"on_unavailable": "next", "on_denied": "next"}, False),
        ],
    )
    def test_which_errors_move_on(
        self, error: SecretSourceError, policy: dict[str, str], passes: bool
    ) -> None:
        assert passes == ask(**policy).link.passes_over(error)

    @pytest.mark.parametrize("policy", ["on_denied", "on_unavailable"])
    def test_a_policy_that_is_none_is_refused(self, policy: str) -> None:
        with pytest.raises(ConfigError, match=f"{policy} of the resolver 'one' must be 'stop' or 'next'"):
            ask(**{policy: "continue"})

    @pytest.mark.parametrize("time", ["ttl", "max_stale"])
    @pytest.mark.parametrize("seconds", [-1, float("nan")])
    def test_a_time_that_is_none_is_refused(self, time: str, seconds: float) -> None:
        with pytest.raises(ConfigError, match=f"{time} of the resolver 'one' must be 0 seconds or more"):
            Link(FakeResolver("one"), **{time: seconds})

    def test_what_is_no_resolver_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="a str is no resolver"):
            Link("env")

    def test_a_resolver_whose_name_cannot_be_a_scheme_is_refused(self) -> None:
        with pytest.raises(InvalidReference, match="cannot name a resolver"):
            Link(FakeResolver("no name"))


class TestWalk:
    def test_the_first_link_that_has_it_ends_the_walk(self) -> None:
        first, second = ask("one"), ask("two")
        found = drive([first, second], [DOCUMENT])
        assert (first, DOCUMENT, False) == (found.ask, found.document, found.passed_over)

    def test_not_there_moves_on_and_the_result_rests_on_it(self) -> None:
        first, second = ask("one"), ask("two")
        found = drive([first, second], [NotThere(), DOCUMENT])
        assert second is found.ask
        assert [first, second] == [each for each, _ in found.rests_on]

    def test_a_document_without_what_is_asked_for_is_not_there(self) -> None:
        steps: list[Step] = []
        found = drive([ask("one"), ask("two")], [Document(fields={"other": "any"}), DOCUMENT], steps)
        assert "two" == found.ask.link.name
        assert (Outcome.NOT_THERE, Reason.FIELD) == (steps[0].outcome, steps[0].reason)

    def test_a_whole_document_without_fields_is_not_there(self) -> None:
        whole = Ask(Link(FakeResolver("one")), Location(address="path", document=True))
        with pytest.raises(SecretNotFound):
            drive([whole], [DOCUMENT])

    def test_an_empty_value_is_a_value(self) -> None:
        assert "" == drive([ask()], [Document(value="")]).document.value

    def test_an_error_of_a_shared_fetch_names_the_place_of_its_reader(self) -> None:
        with pytest.raises(AccessDenied) as caught:
            drive([ask("one")], [AccessDenied(location="path#of another field")])

        assert "path at one" == caught.value.location

    @pytest.mark.parametrize(
        "error",
        [AccessDenied("said no"), BackendUnavailable("down"), InvalidResponse("html"), ResolverError()],
    )
    def test_an_error_stops_the_chain_with_an_account_of_all_links(self, error: ResolverError) -> None:
        with pytest.raises(type(error)) as caught:
            drive([ask("one"), ask("two"), ask("three")], [NotThere(Reason.DELETED, "in version 3"), error])
        told = caught.value
        assert ("a/b", "two", "path at two") == (told.name, told.resolver, told.location)
        assert [("one", Reason.DELETED, "in version 3"), ("two", error.reason, error.detail)] == [
            (step.link, step.reason, step.detail) for step in told.steps
        ]
        assert "1. one at path at one: deleted (in version 3)\n  2. two at path at two:" in str(told)

    def test_the_error_is_the_readers_own(self) -> None:
        error = BackendUnavailable("down", retry_after=3.0)
        with pytest.raises(BackendUnavailable) as caught:
            drive([ask()], [error])
        assert error is not caught.value
        assert (3.0, (), "") == (caught.value.retry_after, error.steps, error.name)
        assert error.__traceback__ is None
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    def test_every_link_that_looked_is_listed_in_what_was_not_found(self) -> None:
        with pytest.raises(SecretNotFound) as caught:
            drive([ask("one"), ask("two")], [NotThere(), NotThere(Reason.FIELD)])
        assert "a/b" == caught.value.name
        assert [("one", Reason.MISSING), ("two", Reason.FIELD)] == [
            (step.link, step.reason) for step in caught.value.steps
        ]

    def test_an_empty_chain_finds_nothing(self) -> None:
        with pytest.raises(SecretNotFound, match="the chain is empty"):
            drive([], [])

    def test_a_link_passed_over_whose_secret_is_elsewhere_is_told_in_the_result(self) -> None:
        assert drive(
            [ask("one", on_unavailable="next"), ask("two")], [BackendUnavailable(), DOCUMENT]
        ).passed_over

    def test_a_link_passed_over_whose_secret_is_nowhere_else_ends_in_its_error(self) -> None:
        asks = [ask("one"), ask("two", on_denied="next"), ask("three", on_unavailable="next"), ask("four")]
        with pytest.raises(AccessDenied) as caught:
            drive(asks, [NotThere(), AccessDenied("no"), BackendUnavailable("down"), NotThere()])
        assert ("two", "path at two", "no") == (
            caught.value.resolver,
            caught.value.location,
            caught.value.detail,
        )
        assert ["one", "two", "three", "four"] == [step.link for step in caught.value.steps]
        assert caught.value.__context__ is None

    def test_an_error_behind_a_link_passed_over_stops_with_its_own(self) -> None:
        with pytest.raises(InvalidResponse):
            drive(
                [ask("one", on_unavailable="next"), ask("two")],
                [BackendUnavailable(), InvalidResponse("html")],
            )

    def test_a_step_tells_version_and_time_and_whether_the_cache_had_it(self) -> None:
        steps: list[Step] = []
        drive([ask()], [DOCUMENT], steps)
        assert [
            Step(link="one", location="path at one", outcome=Outcome.FOUND, version="7", seconds=0.5)
        ] == steps

    def test_a_stale_document_cannot_tell_that_a_field_is_not_there(self) -> None:
        walking = walk("a/b", [ask("one"), ask("two")], [])
        next(walking)
        outage = BackendUnavailable("down")
        # What is further on may be found; that nobody has it is not known.
        assert (
            "two"
            == walking.send(
                Looked(answer=Document(fields={"other": "any"}), cached=True, stale=True, outage=outage)
            ).link.name
        )
        with pytest.raises(BackendUnavailable, match="one at path at one: server error"):
            walking.send(Looked(answer=NotThere()))

    def test_an_error_that_is_no_resolvers_is_told_anew_too(self) -> None:
        error = ConfigError("wrong")
        with pytest.raises(ConfigError, match="wrong") as caught:
            drive([ask()], [error])
        assert error is not caught.value
