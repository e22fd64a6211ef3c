"""What a read returns: exact bytes, or that it is not there."""

from __future__ import annotations

import contextlib

import pytest

from secretsource._deadline import Deadline
from secretsource._reference import MAX_NAME
from secretsource._secret import Document, MaskedBytes, MaskedStr, NotThere
from secretsource.errors import AccessDenied, InvalidReference, InvalidResponse, Reason
from secretsource.resolvers import Resolver, SupportsClose
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.support import read, resolver_at, resolver_for, token_body, value
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer


def test_a_text_variable_is_masked_text(resolver: ConjurResolver, canary: str) -> None:
    found = read(resolver, "pepipost/api_key")

    assert isinstance(found, Document)
    assert isinstance(found.value, MaskedStr)
    assert canary == found.value.reveal()
    assert found.version is None


def test_it_is_a_resolver_that_can_be_closed(resolver: ConjurResolver) -> None:
    assert isinstance(resolver, Resolver)
    assert isinstance(resolver, SupportsClose)


def test_all_256_bytes_come_back_exactly(server: ConjurServer, resolver: ConjurResolver) -> None:
    server.set("pepipost/binary", bytes(range(256)))

    found = read(resolver, "pepipost/binary")

    assert isinstance(found.value, MaskedBytes)
    assert bytes(range(256)) == found.value.reveal()


@pytest.mark.parametrize(
    "text",
    [
        "pässwörd-✓",
        "line one\nline two\n",
        " ",
        "x",
        "\r\n",
        "<!DOCTYPE html><html></html>",
        "\ufeffbom",
        "a\x00b",
    ],
)
def test_text_comes_back_exactly(server: ConjurServer, resolver: ConjurResolver, text: str) -> None:
    server.add_variable("odd", value=text.encode(), readers=["alice"])

    assert text == value(resolver, "odd")


@pytest.mark.parametrize(
    ("path", "reference"),
    [
        ("pepipost/a b", "conjur://pepipost/a%20b"),
        ("pepipost/user@example.org", "conjur://pepipost/user@example.org"),
        ("pepipost/a+b=c", "conjur://pepipost/a+b=c"),
        ("pepipost/50%", "conjur://pepipost/50%25"),
        ("pepipost/café", "conjur://pepipost/caf%C3%A9"),
    ],
)
def test_odd_ids_are_read_through_references(
    server: ConjurServer, resolver: ConjurResolver, path: str, reference: str
) -> None:
    server.set(path, path.encode())

    assert path == value(resolver, reference)


def test_an_id_with_every_allowed_oddity_is_one_encoded_piece(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    variable = "safe/My Account,x/pass?word#1&2;%2F:é"
    server.add_variable(variable, value=b"found", readers=["alice"])

    assert "found" == value(resolver, "conjur://safe/My%20Account%2Cx/pass%3Fword%231%262%3B%252F%3A%C3%A9")


def test_a_prefix_goes_before_names_and_not_before_references(server: ConjurServer, canary: str) -> None:
    resolver = resolver_for(server, prefix="pepipost/")

    assert canary == value(resolver, "api_key")
    assert canary == value(resolver, "conjur://pepipost/api_key")


def test_a_path_in_the_url_is_kept(faulty: FaultyServer) -> None:
    faulty.answer(body=token_body(), path="/api/authn/demo/alice/authenticate")
    faulty.answer(body=b"found", path="/api/secrets/demo/variable/a%2Fb")

    assert "found" == value(resolver_at(faulty.url + "/api/"), "a/b")


def test_every_request_goes_below_the_path_in_the_url(faulty: FaultyServer) -> None:
    faulty.answer(404)
    faulty.answer(body=token_body(), path="/api/authn/demo/alice/authenticate")
    resolver = resolver_at(faulty.url + "/api")
    one, other = resolver.locate("a/b"), resolver.locate("c")
    for call in (
        lambda: resolver.fetch(one, Deadline(2)),
        lambda: resolver.fetch(resolver.locate("a", document=True), Deadline(2)),
        lambda: resolver.fetch_many([one, other], Deadline(2)),
        lambda: resolver.check(Deadline(2)),
        lambda: resolver.put(one, "x", Deadline(2), expected="1"),
        lambda: resolver.put(one, "x", Deadline(2)),
    ):
        with contextlib.suppress(InvalidResponse):
            call()

    kinds = {request.path.split("/")[2].partition("?")[0] for request in faulty.requests}
    assert {"authn", "secrets", "resources", "whoami"} == kinds
    assert {"api"} == {request.path.split("/")[1] for request in faulty.requests}


def test_a_host_logs_in_with_its_whole_login_encoded(server: ConjurServer) -> None:
    server.set("db/primary/password", b"found")

    assert "found" == value(resolver_for(server, "host/app/web"), "db/primary/password")
    assert ("POST", "/authn/demo/host%2Fapp%2Fweb/authenticate") == server.requests[0]


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_a_version_is_read_and_told(server: ConjurServer, resolver: ConjurResolver, version: str) -> None:
    for number in range(1, 4):
        server.set("pepipost/versions", f"v{number}".encode())

    found = read(resolver, f"conjur://pepipost/versions?version={version}")

    assert (f"v{version}", version) == (found.value.reveal(), found.version)


def test_a_version_that_does_not_exist_is_not_there(server: ConjurServer, resolver: ConjurResolver) -> None:
    assert NotThere is type(read(resolver, "conjur://pepipost/api_key?version=9"))


@pytest.mark.parametrize("variable", ["pepipost/nope", "pepipost/never_set", "pepipost/hidden"])
def test_missing_never_set_and_hidden_are_not_there_and_name_the_login(
    resolver: ConjurResolver, variable: str
) -> None:
    assert NotThere(Reason.MISSING, "missing, or not visible to 'alice'", may_be_hidden=True) == read(
        resolver, variable
    )


def test_seen_but_not_executable_is_a_denial_that_names_the_login(server: ConjurServer) -> None:
    resolver = resolver_for(server, "carol")

    with pytest.raises(
        AccessDenied, match=r"HTTP 403 from 127\.0\.0\.1:\d+; 'carol' may see it, not execute it"
    ) as caught:
        read(resolver, "pepipost/api_key")
    assert "demo:variable:pepipost/api_key" == caught.value.location
    assert "conjur" == caught.value.resolver


def test_a_value_of_type_html_with_conjurs_disposition_is_a_value(
    server: ConjurServer, resolver: ConjurResolver
) -> None:
    server.set("pepipost/templates/welcome", b"<p>Hello</p>")

    assert "<p>Hello</p>" == value(resolver, "pepipost/templates/welcome")


@pytest.mark.parametrize(
    "reference",
    [
        "conjur://a/b?version=0",
        "conjur://a/b?version=-1",
        "conjur://a/b?version=1.0",
        "conjur://a/b?version=abc",
        "conjur://a/b?version=%D9%A1",
        "conjur://a/b?stage=AWSCURRENT",
        "conjur://a/b#field",
        "conjur:///a/b",
        "conjur://a/../b",
        "vault://a/b",
        "a/../b",
        "a//b",
        "a b",
        "",
        "x" * (MAX_NAME + 1),
    ],
)
def test_what_conjur_does_not_have_is_refused_before_any_request(
    server: ConjurServer, resolver: ConjurResolver, reference: str
) -> None:
    with pytest.raises(InvalidReference):
        resolver.locate(reference)
    assert [] == server.requests


def test_a_location_prints_conjurs_own_full_id(resolver: ConjurResolver) -> None:
    assert "demo:variable:pepipost/api_key" == str(resolver.locate("pepipost/api_key"))
    assert "demo:variable:a/b?version=3" == str(resolver.locate("conjur://a/b?version=3"))
    assert "demo:variable:a/b/*" == str(resolver.locate("a/b", document=True))


def test_versions_have_locations_of_their_own(resolver: ConjurResolver) -> None:
    assert resolver.locate("conjur://a?version=1") != resolver.locate("conjur://a?version=2")


def test_50_reads_use_one_connection(server: ConjurServer, resolver: ConjurResolver, canary: str) -> None:
    for _ in range(50):
        assert canary == value(resolver, "pepipost/api_key")

    assert (1, 1, 50) == (server.connections, server.count("authenticate"), server.count("read"))


def test_answers_without_a_value_keep_the_connection_too(server: ConjurServer) -> None:
    resolver = resolver_for(server, "carol")
    for _ in range(5):
        read(resolver, "pepipost/nope")
        with pytest.raises(AccessDenied):
            read(resolver, "pepipost/api_key")

    assert 1 == server.connections


def test_a_long_value_keeps_the_connection(server: ConjurServer, resolver: ConjurResolver) -> None:
    server.set("pepipost/long", b"x" * 200_000)
    for _ in range(3):
        assert "x" * 200_000 == value(resolver, "pepipost/long")

    assert 1 == server.connections


def test_after_close_the_next_read_logs_in_anew(
    server: ConjurServer, resolver: ConjurResolver, canary: str
) -> None:
    value(resolver, "pepipost/api_key")
    resolver.close()
    resolver.close()

    assert canary == value(resolver, "pepipost/api_key")
    assert 2 == server.count("authenticate")
