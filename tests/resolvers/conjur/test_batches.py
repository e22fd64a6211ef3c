"""Many variables in one call: one request, and one by one where a batch cannot be had."""

from __future__ import annotations

import json
import time
import traceback
from urllib.parse import quote

import pytest

from secretsource import Store
from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    InvalidResponse,
    Reason,
    ResolverError,
    SecretNotFound,
)
from secretsource.resolvers import SupportsFetchMany
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.support import resolver_at, resolver_for, token_body
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer


def ask(resolver: ConjurResolver, *names: str, seconds: float = 5.0) -> list[object]:
    """Return plain values, and what is none as it came."""
    answers = resolver.fetch_many([resolver.locate(name) for name in names], Deadline(seconds))
    return [
        answer.value.reveal() if isinstance(answer, Document) and answer.value is not None else answer
        for answer in answers
    ]


def fill(server: ConjurServer, count: int) -> dict[str, str]:
    values = {f"many/{number:03}": f"value {number}" for number in range(count)}
    for name, value in values.items():
        server.add_variable(name, value=value.encode(), readers=["alice"])
    return values


def test_it_has_batches(resolver: ConjurResolver) -> None:
    assert isinstance(resolver, SupportsFetchMany)


def test_many_variables_are_one_request(server: ConjurServer, resolver: ConjurResolver) -> None:
    values = fill(server, 20)

    assert list(values.values()) == ask(resolver, *values)
    assert (1, 0) == (server.count("batch"), server.count("read"))


def test_each_id_is_asked_for_once(server: ConjurServer, resolver: ConjurResolver) -> None:
    values = fill(server, 2)
    first, second = values

    assert [values[first], values[second], values[first]] == ask(resolver, first, second, first)
    assert (1, 0) == (server.count("batch"), server.count("read"))


def test_one_variable_is_a_read(server: ConjurServer, resolver: ConjurResolver, canary: str) -> None:
    assert [canary] == ask(resolver, "pepipost/api_key")
    assert (0, 1) == (server.count("batch"), server.count("read"))


def test_nothing_is_no_request(server: ConjurServer, resolver: ConjurResolver) -> None:
    assert [] == ask(resolver)
    assert [] == server.requests


def test_bytes_and_odd_ids_come_whole(server: ConjurServer, resolver: ConjurResolver) -> None:
    raw = bytes(range(256))
    ids = ["odd/a b", "odd/user@example.org", "odd/a+b=c", "odd/50%", "odd/café"]
    for each in ids:
        server.add_variable(each, value=raw + each.encode(), readers=["alice"])
    references = [f"conjur://{quote(each)}" for each in ids]

    assert [raw + each.encode() for each in ids] == ask(resolver, *references)
    assert (1, 0) == (server.count("batch"), server.count("read"))


def test_an_id_with_a_comma_is_read_beside_the_batch(server: ConjurServer, resolver: ConjurResolver) -> None:
    values = fill(server, 2)
    server.add_variable("odd/a,b", value=b"x", readers=["alice"])

    assert ["x", *values.values()] == ask(resolver, "conjur://odd/a%2Cb", *values)
    assert (1, 1) == (server.count("batch"), server.count("read"))


def test_ids_are_cut_below_what_proxies_take(server: ConjurServer, resolver: ConjurResolver) -> None:
    names = [f"many/{number:03}{'x' * 100}" for number in range(120)]
    for name in names:
        server.add_variable(name, value=name.encode(), readers=["alice"])

    assert names == ask(resolver, *names)
    targets = [target for _, target in server.requests if target.startswith("/secrets?")]
    assert len(targets) > 1
    assert max(map(len, targets)) < 5000


@pytest.mark.parametrize(
    "fault",
    [
        *("status:403", "empty404", "status:406", "status:422", "html200", "truncated", "204"),
        *("status:400", "status:414", "status:431"),  # of a proxy that takes no such address
    ],
)
def test_after_a_batch_that_fails_they_are_read_one_by_one(
    server: ConjurServer, resolver: ConjurResolver, fault: str
) -> None:
    values = fill(server, 5)
    server.fault(fault, times=2, match="batch")

    assert list(values.values()) == ask(resolver, *values)
    assert 5 == server.count("read")


def test_one_by_one_is_several_at_once(server: ConjurServer, resolver: ConjurResolver) -> None:
    values = fill(server, 16)
    ask(resolver, "many/000")
    server.delay = 0.2
    server.fault("status:403", match="batch")
    begun = time.monotonic()

    assert list(values.values()) == ask(resolver, *values)
    assert time.monotonic() - begun < 1.6  # one after the other: 3.4


def test_one_that_is_missing_or_denied_takes_nothing_from_the_others(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    values = fill(server, 2)
    server.add_variable("many/seen", value=b"x")
    server.permit("alice", ["read"], "many/seen")
    server.add_variable("many/unset", readers=["alice"])

    first, missing, seen, unset, second = ask(
        resolver, "many/000", "many/nope", "many/seen", "many/unset", "many/001"
    )

    assert list(values.values()) == [first, second]
    assert (
        NotThere(Reason.MISSING, "missing, or not visible to 'alice'", may_be_hidden=True) == missing == unset
    )
    assert isinstance(seen, AccessDenied)
    assert "may see it, not execute it" in str(seen)
    assert "conjur at demo:variable:many/seen" in str(seen)


def test_a_store_keeps_what_was_found_beside_one_that_is_missing(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    values = fill(server, 3)
    with Store([resolver]) as store:
        with pytest.raises(SecretNotFound):
            store.get_many([*values, "many/none"])
        server.reset_requests()

        assert list(values.values()) == [store.get(name).value for name in values]
        assert [] == server.requests


def test_old_versions_and_paths_are_read_beside_the_batch(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    values = fill(server, 2)
    server.set("many/000", b"newer")
    places = [
        resolver.locate("conjur://many/000?version=1"),
        resolver.locate("many", document=True),
        resolver.locate("many/000"),
        resolver.locate("many/001"),
    ]

    old, path, newest, other = resolver.fetch_many(places, Deadline(5))

    assert isinstance(old, Document)
    assert (values["many/000"], "1") == (old.value, old.version)
    assert isinstance(path, Document)
    assert {"000": "newer", "001": values["many/001"]} == dict(path.fields)
    assert ["newer", values["many/001"]] == [
        each.value for each in (newest, other) if isinstance(each, Document)
    ]


def test_a_value_over_the_limit_is_invalid_and_no_other_is(server: ConjurServer) -> None:
    server.add_variable("many/long", value=b"x" * 420, readers=["alice"])
    values = fill(server, 2)
    with_limit = resolver_for(server, max_bytes=400)

    first, long, second = ask(with_limit, "many/000", "many/long", "many/001")

    assert list(values.values()) == [first, second]
    assert isinstance(long, InvalidResponse)
    assert "more than 400 bytes" in str(long)
    with_limit.close()


def test_an_outage_is_told_for_each_location(server: ConjurServer, resolver: ConjurResolver) -> None:
    values = fill(server, 3)
    server.fault("status:503", times=3, match="batch")

    errors = ask(resolver, *values)

    assert [BackendUnavailable] * 3 == [type(error) for error in errors]
    assert [f"demo:variable:{name}" for name in values] == [
        error.location for error in errors if isinstance(error, ResolverError)
    ]
    assert 0 == server.count("read")


def test_a_batch_that_recovers_is_read(server: ConjurServer, resolver: ConjurResolver) -> None:
    values = fill(server, 3)
    server.fault("status:503", times=1, match="batch")

    assert list(values.values()) == ask(resolver, *values)
    assert (2, 0) == (server.count("batch"), server.count("read"))


def test_a_revoked_token_is_replaced_on_the_way(server: ConjurServer, resolver: ConjurResolver) -> None:
    values = fill(server, 3)
    ask(resolver, *values)
    server.revoke_tokens()

    assert list(values.values()) == ask(resolver, *values)
    assert (2, 0) == (server.count("authenticate"), server.count("read"))


def test_a_read_that_hangs_ends_with_the_deadline_and_keeps_back_no_other(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    values = fill(server, 4)
    ask(resolver, *values)
    server.fault("status:403", match="batch")
    server.fault("hang", match="read")
    begun = time.monotonic()

    answers = ask(resolver, *values, seconds=0.6)

    assert time.monotonic() - begun < 1.1
    assert 3 == sum(isinstance(answer, str) for answer in answers)
    assert 1 == sum(isinstance(answer, BackendUnavailable) for answer in answers)


def test_a_credential_that_is_missing_is_raised(server: ConjurServer) -> None:
    def missing() -> str:
        raise ConfigError("the credential is not there")

    auth = {"method": "api_key", "login": "alice", "api_key": missing}
    resolver = ConjurResolver(url=server.url, account=server.account, auth=auth)

    with pytest.raises(ConfigError, match="not there"):
        ask(resolver, "many/000", "many/001")


@pytest.mark.parametrize(
    "values", ['{"demo:variable:a": 5, "demo:variable:b": "eA=="}', '["x"]', '{"demo:variable:a": "%%%"}']
)
def test_a_batch_in_which_values_are_none_is_read_one_by_one(faulty: FaultyServer, values: str) -> None:
    faulty.answer(body=token_body(), path="/authn/demo/alice/authenticate")
    faulty.answer(headers={"Content-Encoding": "base64"}, body=values, path="/secrets")
    for name in ("a", "b"):
        faulty.answer(body=f"value of {name}", path=f"/secrets/demo/variable/{name}")

    assert ["value of a", "value of b"] == ask(resolver_at(faulty.url), "a", "b")


def test_a_value_that_the_batch_leaves_out_is_read_by_itself(faulty: FaultyServer) -> None:
    faulty.answer(body=token_body(), path="/authn/demo/alice/authenticate")
    faulty.answer(body=json.dumps({"demo:variable:b": "of b", "demo:variable:c": "of c"}), path="/secrets")
    faulty.answer(body="of a", path="/secrets/demo/variable/a")

    assert ["of a", "of b"] == ask(resolver_at(faulty.url), "a", "b")


def test_errors_lead_to_no_frame_and_show_no_value(
    server: ConjurServer, resolver: ConjurResolver, canary: str
) -> None:
    server.add_variable("many/other", value=b"x")
    server.permit("alice", ["read"], "many/other")

    value, error = ask(resolver, "pepipost/api_key", "many/other")

    assert canary == value
    assert isinstance(error, AccessDenied)
    assert (None, None, None) == (error.__traceback__, error.__cause__, error.__context__)
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert canary not in shown + repr(error) + str(vars(error))
