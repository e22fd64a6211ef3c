"""All variables below a path, in one round."""

from __future__ import annotations

import json
import re

import pytest

from secretsource._secret import Document, NotThere
from secretsource.errors import AccessDenied, BackendUnavailable, InvalidReference, InvalidResponse
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.support import read, resolver_at, resolver_for, token_body
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer


def fields(resolver: ConjurResolver, path: str) -> dict[str, str | bytes]:
    found = read(resolver, path, document=True)
    assert isinstance(found, Document)
    return {name: value.reveal() for name, value in found.fields.items()}


@pytest.fixture
def db(server: ConjurServer) -> ConjurServer:
    server.set("db/primary/username", b"app")
    server.set("db/primary/password", b"s3cret")
    return server


def test_the_variables_below_a_path_are_its_fields(db: ConjurServer, resolver: ConjurResolver) -> None:
    assert {"username": "app", "password": "s3cret"} == fields(resolver, "db/primary")
    assert (1, 1, 0) == (db.count("list"), db.count("batch"), db.count("read"))


def test_deeper_ones_and_neighbours_are_left_out(db: ConjurServer, resolver: ConjurResolver) -> None:
    for variable in ("db/primary/deep/er", "db/primary2/x", "x/db/primary/y"):
        db.add_variable(variable, value=b"x", readers=["alice"])

    assert {"username": "app", "password": "s3cret"} == fields(resolver, "db/primary")


def test_binary_values_come_whole(db: ConjurServer, resolver: ConjurResolver) -> None:
    db.add_variable("db/primary/key", value=bytes(range(256)), readers=["alice"])

    assert bytes(range(256)) == fields(resolver, "db/primary")["key"]
    assert 1 == db.count("batch")


def test_odd_names_come_whole(server: ConjurServer, resolver: ConjurResolver) -> None:
    names = ["a b", "user@example.org", "a+b=c", "50%", "café", "a,b"]
    for name in names:
        server.add_variable(f"odd/{name}", value=name.encode(), readers=["alice"])

    assert {name: name for name in names} == fields(resolver, "odd")


def test_a_prefix_goes_before_the_path(db: ConjurServer) -> None:
    assert {"username", "password"} == fields(resolver_for(db, prefix="db/"), "primary").keys()


def test_a_reference_names_a_path_too(db: ConjurServer, resolver: ConjurResolver) -> None:
    assert {"username", "password"} == fields(resolver, "conjur://db/primary").keys()


def test_one_that_was_never_set_is_left_out_without_failing_the_batch(
    db: ConjurServer, resolver: ConjurResolver
) -> None:
    db.add_variable("db/primary/empty", readers=["alice"])

    assert {"username", "password"} == fields(resolver, "db/primary").keys()
    assert 0 == db.count("read")


@pytest.mark.parametrize("fault", ["empty404", "status:403", "status:406", "html200", "truncated"])
def test_after_a_batch_that_fails_they_are_read_one_by_one(
    db: ConjurServer, resolver: ConjurResolver, fault: str
) -> None:
    db.fault(fault, times=2, match="batch")

    assert {"username": "app", "password": "s3cret"} == fields(resolver, "db/primary")
    assert 2 == db.count("read")


def test_one_that_may_not_be_executed_is_a_denial(db: ConjurServer, resolver: ConjurResolver) -> None:
    db.add_variable("db/primary/other", value=b"x")
    db.permit("alice", ["read"], "db/primary/other")

    with pytest.raises(AccessDenied, match="may see it, not execute it"):
        read(resolver, "db/primary", document=True)


@pytest.mark.parametrize("path", ["nothing/here", "pepipost/api_key"])
def test_no_variables_below_is_not_there(server: ConjurServer, resolver: ConjurResolver, path: str) -> None:
    assert read(resolver, path, document=True) is None


def test_what_the_search_does_not_find_is_looked_for_in_the_whole_list(faulty: FaultyServer) -> None:
    faulty.answer(body=token_body(), path="/authn/demo/alice/authenticate")
    faulty.answer(body=b"[]", path="/resources/demo?kind=variable&limit=1000&search=the&offset=0")
    ids = [{"id": f"demo:variable:{name}"} for name in ("the/one", "the/two", "other")]
    faulty.answer(body=json.dumps(ids), path="/resources/demo?kind=variable&limit=1000&offset=0")
    values = {"demo:variable:the/one": "first", "demo:variable:the/two": "second"}
    faulty.answer(body=json.dumps(values), path="/secrets")

    assert {"one": "first", "two": "second"} == fields(resolver_at(faulty.url), "the")


def test_lists_are_read_page_by_page(server: ConjurServer, resolver: ConjurResolver) -> None:
    for number in range(1001):
        server.add_variable(
            f"many/{number:04}", value=b"x" if number in {0, 1000} else None, readers=["alice"]
        )

    assert {"0000": "x", "1000": "x"} == fields(resolver, "many")
    assert 2 == server.count("list")


def test_long_batches_are_cut_below_what_proxies_take(server: ConjurServer, resolver: ConjurResolver) -> None:
    for number in range(120):
        server.add_variable(f"many/{number:03}{'x' * 100}", value=b"x", readers=["alice"])

    assert 120 == len(fields(resolver, "many"))
    targets = [target for _, target in server.requests if target.startswith("/secrets?")]
    assert 120 == sum(target.count(",") + 1 for target in targets)
    assert max(map(len, targets)) < 5000
    assert 0 == server.count("read")


def test_a_value_over_the_limit_is_refused(db: ConjurServer) -> None:
    with pytest.raises(InvalidResponse, match="more than 5 bytes"):
        read(resolver_for(db, max_bytes=5), "db/primary", document=True)


def test_a_list_that_is_no_list_is_invalid(server: ConjurServer, resolver: ConjurResolver) -> None:
    server.fault("html200", times=2, match="list")

    with pytest.raises(InvalidResponse):
        read(resolver, "db/primary", document=True)


@pytest.mark.parametrize("body", ["", "{}", "[1]", '[{"id": 1}]', "[{}]"])
def test_a_page_without_ids_is_invalid(faulty: FaultyServer, body: str) -> None:
    faulty.answer(body=token_body(), path="/authn/demo/alice/authenticate")
    faulty.answer(body=body)

    with pytest.raises(InvalidResponse, match="no list of variables"):
        read(resolver_at(faulty.url), "db/primary", document=True)


@pytest.mark.parametrize("kind", ["list", "batch"])
def test_a_server_error_is_unavailable(db: ConjurServer, resolver: ConjurResolver, kind: str) -> None:
    db.fault("status:500", times=3, match=kind)

    with pytest.raises(BackendUnavailable, match="HTTP 500"):
        read(resolver, "db/primary", document=True)


def test_a_version_of_a_path_is_refused(resolver: ConjurResolver) -> None:
    with pytest.raises(InvalidReference, match="no version joins"):
        resolver.locate("conjur://db/primary?version=1", document=True)


def test_a_revoked_token_is_replaced_on_the_way(db: ConjurServer, resolver: ConjurResolver) -> None:
    assert isinstance(read(resolver, "pepipost/nope"), NotThere)
    db.revoke_tokens()

    assert {"username", "password"} == fields(resolver, "db/primary").keys()
    assert 2 == db.count("authenticate")


def test_targets_have_no_plain_odd_characters(server: ConjurServer, resolver: ConjurResolver) -> None:
    server.add_variable("odd/a+b c", value=b"x", readers=["alice"])
    fields(resolver, "odd")

    for _, target in server.requests:
        assert re.fullmatch(r"[A-Za-z0-9/%?&=,._~-]+", target)
