"""Writing: what a policy has made is set, read back and compared; what cannot be held is not sent."""

from __future__ import annotations

import secrets

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import Document
from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    InvalidReference,
    InvalidResponse,
    InvalidValue,
    WriteConflict,
)
from secretsource.resolvers import SupportsPut
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.support import resolver_at, resolver_for, token_body, value
from tests.resolvers.conjur.test_leaks import everything_about, raised
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer

NAME = "pepipost/api_key"
SECRET = "/secrets/demo/variable/pepipost%2Fapi_key"
RESOURCE = "/resources/demo/variable/pepipost%2Fapi_key"


def put(
    resolver: ConjurResolver,
    new: str | bytes,
    name: str = NAME,
    *,
    expected: str | None = None,
    seconds: float = 5,
) -> Document:
    return resolver.put(resolver.locate(name), new, Deadline(seconds), expected=expected)


@pytest.fixture
def new() -> str:
    return "new-" + secrets.token_hex(16)


def test_it_can_write(resolver: ConjurResolver) -> None:
    assert isinstance(resolver, SupportsPut)


def test_a_value_is_set_and_read_back_with_its_version(
    server: ConjurServer, resolver: ConjurResolver, new: str
) -> None:
    written = put(resolver, new)

    assert (new, "2") == (written.value, written.version)
    assert new == value(resolver, NAME)
    assert 1 == server.count("set")


def test_the_same_value_again_makes_no_new_version(resolver: ConjurResolver, new: str) -> None:
    assert ["2", "2"] == [put(resolver, new).version, put(resolver, new).version]


@pytest.mark.parametrize("raw", [bytes(range(256)), b"\xff", b"\0", b" a ", b"line\n", "päss ✓".encode()])
def test_exact_bytes_are_written(server: ConjurServer, resolver: ConjurResolver, raw: bytes) -> None:
    put(resolver, raw)

    found = value(resolver, NAME)
    assert raw == (found.encode() if isinstance(found, str) else found)


@pytest.mark.parametrize("prefix", ["", "pepipost/"])
def test_a_prefix_goes_before_the_name(server: ConjurServer, prefix: str, new: str) -> None:
    resolver = resolver_for(server, prefix=prefix)
    put(resolver, new, NAME.removeprefix(prefix))

    assert ("POST", SECRET) in server.requests


@pytest.mark.parametrize("blank", ["", " ", "\n\t ", b"", b"\r\n"])
def test_what_conjur_refuses_as_empty_is_not_sent(
    server: ConjurServer, resolver: ConjurResolver, blank: str | bytes
) -> None:
    with pytest.raises(InvalidValue, match="empty or only white space"):
        put(resolver, blank)
    assert [] == server.requests


def test_what_could_not_be_read_again_is_not_sent(server: ConjurServer) -> None:
    with pytest.raises(InvalidValue, match="more than 30 bytes"):
        put(resolver_for(server, max_bytes=30), "a" * 31)
    assert [] == server.requests


def test_text_that_is_no_utf8_is_not_sent(server: ConjurServer, resolver: ConjurResolver) -> None:
    with pytest.raises(InvalidValue, match="half of a surrogate pair"):
        put(resolver, "\ud800")
    assert [] == server.requests


@pytest.mark.parametrize(
    ("name", "document"), [("pepipost", True), ("conjur://pepipost/api_key?version=1", False)]
)
def test_paths_and_old_versions_cannot_be_written(
    server: ConjurServer, resolver: ConjurResolver, name: str, document: bool, new: str
) -> None:
    with pytest.raises(InvalidReference, match="only the newest version of one variable"):
        resolver.put(resolver.locate(name, document=document), new, Deadline(5))
    assert [] == server.requests


@pytest.mark.parametrize("name", ["pepipost/nope", "pepipost/hidden"])
def test_a_variable_that_is_not_there_is_told_with_the_policy_that_makes_it(
    resolver: ConjurResolver, name: str, new: str
) -> None:
    with pytest.raises(AccessDenied) as caught:
        put(resolver, new, name)

    assert "missing, or not visible to 'alice'. A variable is made by policy first" in caught.value.detail
    lines = (
        f"- !variable {name} and "
        f"- !permit {{ role: !user alice, privileges: [read, execute, update], resource: !variable {name} }}"
    )
    assert lines in caught.value.detail
    assert ("conjur", f"demo:variable:{name}") == (caught.value.resolver, caught.value.location)


def test_a_variable_made_by_that_policy_can_be_written(server: ConjurServer, new: str) -> None:
    resolver = resolver_for(server, "host/app/web")
    error = raised(lambda: put(resolver, new, "conjur://lob/My%20Account/p%40ss"))
    make, permit = str(error).rpartition("first: ")[2].removesuffix(")").split(" and ")
    server.load_policy(f"{make}\n{permit}\n")

    assert new == put(resolver, new, "conjur://lob/My%20Account/p%40ss").value


def test_without_the_right_to_update_it_is_a_denial_that_says_so(resolver: ConjurResolver, new: str) -> None:
    with pytest.raises(AccessDenied, match=r"HTTP 403 .*; 'alice' may not set it: permit update"):
        put(resolver, new, "pepipost/unicode")


def test_what_may_be_set_and_not_read_is_written_and_told(server: ConjurServer, new: str) -> None:
    server.add_variable("drop/box")
    server.permit("bob", ["update"], "drop/box")

    with pytest.raises(AccessDenied, match="the value is written, but cannot be read back"):
        put(resolver_for(server, "bob"), new, "drop/box")
    assert new.encode() == server.world.find("variable", "drop/box").versions.get()  # type: ignore[union-attr]


def test_the_expected_version_is_compared_before(
    server: ConjurServer, resolver: ConjurResolver, new: str
) -> None:
    assert "2" == put(resolver, new, expected="1").version
    with pytest.raises(WriteConflict, match="version '1' was expected: it has version 2"):
        put(resolver, new + "x", expected="1")
    assert new == value(resolver, NAME)


def test_a_variable_without_a_value_has_no_version_to_expect(
    server: ConjurServer, resolver: ConjurResolver, new: str
) -> None:
    server.permit("alice", ["update"], "pepipost/never_set")

    with pytest.raises(WriteConflict, match="has no value yet"):
        put(resolver, new, "pepipost/never_set", expected="1")
    assert "1" == put(resolver, new, "pepipost/never_set").version


def test_a_refused_token_leads_to_one_new_login(
    server: ConjurServer, resolver: ConjurResolver, new: str
) -> None:
    put(resolver, new)
    server.revoke_tokens()

    assert new + "2" == put(resolver, new + "2").value
    assert 2 == server.count("authenticate")


def test_a_refused_login_is_a_denial(server: ConjurServer, new: str) -> None:
    auth = {"method": "api_key", "login": "alice", "api_key": secrets.token_hex(26)}

    with pytest.raises(AccessDenied, match="wrong key"):
        put(resolver_for(server, auth=auth), new)
    assert 0 == server.count("set")


def test_a_credential_that_is_not_there_is_told(server: ConjurServer, new: str) -> None:
    def missing() -> str:
        raise ConfigError("env://NOPE is not set")

    auth = {"method": "api_key", "login": "alice", "api_key": missing}
    with pytest.raises(ConfigError, match="env://NOPE is not set"):
        put(resolver_for(server, auth=auth), new)


@pytest.mark.parametrize("fault", ["status:500", "status:503", "close"])
def test_an_outage_that_passes_is_survived(
    server: ConjurServer, resolver: ConjurResolver, new: str, fault: str
) -> None:
    server.fault(fault, match="set")

    assert new == put(resolver, new).value
    assert 2 == server.count("set")


def test_an_outage_that_stays_is_unavailable(
    server: ConjurServer, resolver: ConjurResolver, new: str
) -> None:
    server.fault("status:500", times=9, match="set")

    with pytest.raises(BackendUnavailable):
        put(resolver, new)


def test_a_value_that_conjur_refuses_is_an_invalid_value_and_not_tried_again(
    server: ConjurServer, resolver: ConjurResolver, new: str
) -> None:
    server.fault("status:422", match="set")

    with pytest.raises(InvalidValue, match=r"HTTP 422 .*; Conjur refuses the value"):
        put(resolver, new)
    assert 1 == server.count("set")


def test_a_page_in_the_place_of_an_answer_is_invalid(
    server: ConjurServer, resolver: ConjurResolver, new: str
) -> None:
    server.fault("empty404", times=9, match="set")

    with pytest.raises(InvalidResponse, match="not Conjur's own 404"):
        put(resolver, new)


def test_no_redirect_takes_the_value_along(server: ConjurServer, resolver: ConjurResolver, new: str) -> None:
    with ConjurServer() as elsewhere:
        server.fault(f"redirect:307:{elsewhere.url}/", times=9, match="set")
        with pytest.raises(InvalidResponse, match="redirect not followed"):
            put(resolver, new)
        assert [] == elsewhere.requests


def test_another_value_read_back_is_invalid(faulty: FaultyServer, new: str) -> None:
    faulty.answer(body=token_body(), path="/authn/demo/alice/authenticate")
    faulty.answer(201, path=SECRET, times=1)
    faulty.answer(body="somebody else's", path=SECRET)
    faulty.answer(body='{"secrets": [{"version": 7}]}', path=RESOURCE)

    with pytest.raises(InvalidResponse, match="another value was read back than was written"):
        put(resolver_at(faulty.url), new)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"secrets": [5]}', '{"secrets": [{"version": "x"}]}'])
def test_a_list_of_versions_that_is_none_is_invalid(faulty: FaultyServer, new: str, body: str) -> None:
    faulty.answer(body=token_body(), path="/authn/demo/alice/authenticate")
    faulty.answer(body=body, path=RESOURCE)

    with pytest.raises(InvalidResponse, match="no list of versions"):
        put(resolver_at(faulty.url), new, expected="1")


@pytest.mark.parametrize(
    "fault", ["status:401", "status:403", "status:422", "status:500", "empty404", "hang"]
)
def test_a_failing_write_shows_neither_value_nor_key(
    server: ConjurServer, resolver: ConjurResolver, new: str, fault: str
) -> None:
    server.fault(fault, times=9, match="set")
    error = raised(lambda: put(resolver, new, seconds=0.5))

    inside = everything_about(error).partition("/secretsource/")[
        2
    ]  # the frames of this test hold the value plain
    assert "in put" in inside
    assert new not in inside
    assert server.api_key("alice") not in inside


def test_an_invalid_value_is_not_shown(resolver: ConjurResolver) -> None:
    long = secrets.token_hex(600_000)
    error = raised(lambda: put(resolver, long))

    inside = everything_about(error).partition("/secretsource/")[2]
    assert "in put" in inside
    assert long[:24] not in inside
