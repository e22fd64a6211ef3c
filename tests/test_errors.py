from __future__ import annotations

import builtins
import copy
import pickle

import pytest

from secretsource import errors
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    DeadlineExceeded,
    InvalidReference,
    InvalidResponse,
    InvalidValue,
    MissingDependency,
    Outcome,
    Reason,
    ResolverError,
    SecretNotFound,
    SecretSourceError,
    Step,
    WriteConflict,
    resolver_error,
)

MISSING = Step(link="env", location="PEPIPOST_KEY", outcome=Outcome.NOT_THERE, reason=Reason.MISSING)
DENIED = Step(
    link="vault", location="kv/email#key", outcome=Outcome.DENIED, reason=Reason.DENIED, detail="403"
)
EVERY = [
    ConfigError("wrong"),
    InvalidReference("wrong"),
    InvalidValue("wrong"),
    MissingDependency("wrong"),
    SecretNotFound("a/b", (MISSING, DENIED)),
    *(
        kind(
            "status 503",
            resolver="vault",
            location="kv/a#b",
            name="a/b",
            steps=(MISSING, DENIED),
            retry_after=2.5,
        )
        for kind in (
            ResolverError,
            AccessDenied,
            InvalidResponse,
            WriteConflict,
            BackendUnavailable,
            DeadlineExceeded,
        )
    ),
]


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (ConfigError, (SecretSourceError,)),
        (InvalidReference, (SecretSourceError, ValueError)),
        (MissingDependency, (SecretSourceError, ImportError)),
        (SecretNotFound, (SecretSourceError, LookupError)),
        (ResolverError, (SecretSourceError,)),
        (AccessDenied, (ResolverError, PermissionError)),
        (InvalidResponse, (ResolverError,)),
        (WriteConflict, (ResolverError,)),
        (InvalidValue, (SecretSourceError, ValueError)),
        (BackendUnavailable, (ResolverError, ConnectionError)),
        (DeadlineExceeded, (BackendUnavailable, TimeoutError)),
    ],
)
def test_each_error_has_its_place_in_the_tree_and_its_builtin_base(
    kind: type[Exception], parents: tuple[type[Exception], ...]
) -> None:
    assert parents == kind.__bases__


def test_no_error_of_the_tree_has_a_builtin_base_that_the_design_does_not_give_it() -> None:
    known = {ValueError, ImportError, LookupError, PermissionError, ConnectionError, TimeoutError, OSError}
    found = {
        base
        for error in EVERY
        for base in type(error).__mro__
        if base.__module__ == builtins.__name__ and base not in {object, BaseException, Exception}
    }
    assert known == found


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_pickling_with_all_it_tells(error: Exception, protocol: int) -> None:
    error = copy.copy(error)
    error.add_note("also: c/d")
    again = pickle.loads(pickle.dumps(error, protocol))
    assert (type(error), str(error), error.__dict__) == (type(again), str(again), again.__dict__)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_an_error_survives_copying_with_all_it_tells(error: Exception, copied: object) -> None:
    again = copied(error)
    assert (type(error), str(error), error.args) == (type(again), str(again), again.args)
    assert error is not again


def test_a_copy_for_another_reader_has_no_traceback_and_no_context() -> None:
    def fail() -> None:
        try:
            raise KeyError("client's frame")
        except KeyError:
            raise AccessDenied("403") from None

    with pytest.raises(AccessDenied) as caught:
        fail()
    again = caught.value.copy(name="a/b")
    assert (None, None, None) == (again.__traceback__, again.__context__, again.__cause__)


def test_a_copy_fills_in_what_is_empty_and_keeps_what_is_there() -> None:
    error = AccessDenied("403", location="kv/a").copy(resolver="vault", location="elsewhere", name="a/b")
    assert ("vault", "kv/a", "a/b") == (error.resolver, error.location, error.name)


def test_not_found_in_one_link_is_told_with_where_it_looked() -> None:
    assert "'a/b' was not found; asked:\n  1. env at PEPIPOST_KEY: not there" == str(
        SecretNotFound("a/b", (MISSING,))
    )


def test_not_found_in_several_links_lists_them_in_order() -> None:
    text = str(SecretNotFound("a/b", (MISSING, DENIED)))
    assert [
        "  1. env at PEPIPOST_KEY: not there",
        "  2. vault at kv/email#key: access denied (403)",
    ] == text.splitlines()[1:]


def test_not_found_in_an_empty_chain_says_so() -> None:
    assert "'a/b' was not found: the chain is empty" == str(SecretNotFound("a/b"))


def test_a_failure_of_the_only_link_is_one_line() -> None:
    error = AccessDenied("403", resolver="vault", location="kv/a#b", name="a/b", steps=(DENIED,))
    assert "'a/b': vault at kv/a#b: access denied (403)" == str(error)


def test_a_failure_behind_other_links_lists_them() -> None:
    error = AccessDenied("403", resolver="vault", location="kv/a#b", name="a/b", steps=(MISSING, DENIED))
    assert [
        "'a/b': vault at kv/a#b: access denied; asked:",
        "  1. env at PEPIPOST_KEY: not there",
        "  2. vault at kv/email#key: access denied (403)",
    ] == str(error).splitlines()


def test_a_failure_without_any_detail_still_says_why() -> None:
    assert "no answer in time" == str(DeadlineExceeded())


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (AccessDenied, Reason.DENIED),
        (InvalidResponse, Reason.BROKEN),
        (WriteConflict, Reason.CONFLICT),
        (BackendUnavailable, Reason.SERVER),
        (DeadlineExceeded, Reason.TIMEOUT),
    ],
)
def test_an_error_knows_its_usual_reason(kind: type[ResolverError], reason: Reason) -> None:
    assert reason == kind().reason


def test_a_reason_may_be_given_as_text() -> None:
    assert Reason.TLS is BackendUnavailable(reason="tls").reason


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("denied", AccessDenied),
        ("broken", InvalidResponse),
        ("conflict", WriteConflict),
        *(
            (each, BackendUnavailable)
            for each in ("refused", "dns", "tls", "timeout", "throttled", "sealed", "server")
        ),
    ],
)
def test_each_reason_of_a_failure_has_its_error_also_as_text(reason: str, kind: type[ResolverError]) -> None:
    assert kind is type(resolver_error(reason))
    assert kind is type(resolver_error(Reason(reason)))


def test_every_reason_has_words() -> None:
    assert all(reason.text for reason in Reason)


def test_the_listed_names_are_sorted_and_complete() -> None:
    public = [
        name
        for name, value in vars(errors).items()
        if getattr(value, "__module__", "") == errors.__name__ and not name.startswith("_")
    ]
    assert sorted(public) == errors.__all__
