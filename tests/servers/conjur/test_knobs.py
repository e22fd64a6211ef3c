"""What a test can do to the Conjur stand-in."""

import secrets
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from . import ConjurServer
from .client import VARIABLE, Client, connected, path_of


def test_requests_are_remembered_as_they_were_sent(server: ConjurServer, alice: Client) -> None:
    alice.read()

    assert [("GET", "/secrets/demo/variable/lab%2Fkey")] == server.requests


def test_requests_are_counted_by_kind(server: ConjurServer, alice: Client) -> None:
    alice.read()
    alice.read()
    alice.log_in(server.api_key("alice"))
    alice.status("GET", "/secrets?variable_ids=demo:variable:lab/key")

    assert (2, 1, 1) == tuple(map(server.count, ("read", "authenticate", "batch")))


def test_remembered_requests_can_be_forgotten(server: ConjurServer, alice: Client) -> None:
    alice.read()
    server.reset_requests()

    assert [] == server.requests


def test_counting_an_unknown_kind_is_an_error(server: ConjurServer) -> None:
    with pytest.raises(ValueError, match="no kind of request: reads"):
        server.count("reads")


def test_one_connection_serves_many_requests(server: ConjurServer, alice: Client) -> None:
    statuses = [alice.read() for _ in range(20)]

    assert ([200] * 20, 1) == (statuses, server.connections)


def test_many_clients_are_served_at_once(server: ConjurServer, value: bytes) -> None:
    def read(_: int) -> bytes:
        with connected(server) as client:
            return client.send("GET", path_of()).read()

    with ThreadPoolExecutor(16) as pool:
        assert {value} == set(pool.map(read, range(64)))


def test_a_delay_holds_every_answer_back(server: ConjurServer, alice: Client) -> None:
    server.delay = 0.1
    start = time.monotonic()
    alice.read()

    assert 0.1 <= time.monotonic() - start


def test_a_variable_is_hidden_from_who_is_no_reader(server: ConjurServer) -> None:
    server.add_variable("lab/other", value=secrets.token_bytes(8), readers=("host/app/web",))

    with connected(server) as client:
        assert 404 == client.read("lab/other")


def test_a_permitted_role_may_fetch(server: ConjurServer, alice: Client) -> None:
    server.add_variable("lab/other", value=secrets.token_bytes(8))
    server.permit("alice", ("read", "execute"), "lab/other")

    assert 200 == alice.read("lab/other")


def test_a_role_that_was_denied_execute_still_sees_the_variable(server: ConjurServer, alice: Client) -> None:
    server.deny("alice", ("execute",), VARIABLE)

    assert 403 == alice.read()


def test_denying_what_a_group_gives_is_an_error(server: ConjurServer) -> None:
    with pytest.raises(ValueError, match="alice still has execute through another role"):
        server.deny("alice", ("execute",), "pepipost/api_key")


def test_a_group_can_be_denied(server: ConjurServer, alice: Client) -> None:
    server.set("db/primary/password", secrets.token_bytes(8))
    server.deny("demo:group:readers", ("execute",), "db/primary/password")

    assert 403 == alice.read("db/primary/password")


def test_a_removed_variable_is_gone(server: ConjurServer, alice: Client) -> None:
    server.remove(VARIABLE)

    assert 404 == alice.read()


def test_revoked_tokens_are_refused_and_new_ones_are_not(server: ConjurServer, alice: Client) -> None:
    server.revoke_tokens()
    revoked = alice.read()
    alice.token = server.token("alice")

    assert (401, 200) == (revoked, alice.read())


def test_a_rotated_key_is_refused_and_the_new_one_is_not(server: ConjurServer, alice: Client) -> None:
    old = server.api_key("alice")
    new = server.rotate_api_key("alice")

    assert (401, 200) == (alice.log_in(old), alice.log_in(new))


def test_a_token_runs_out_after_its_life(server: ConjurServer, alice: Client) -> None:
    server.token_life = 2.0
    alice.token = server.token("alice")
    fresh = alice.read()
    server.advance(2)

    assert (200, 401) == (fresh, alice.read())


def test_each_pooled_connection_fails_once_after_the_database_is_back(
    server: ConjurServer, alice: Client
) -> None:
    server.database.pooled_connections = 2
    server.database_down = True
    down = alice.read()
    server.database_down = False

    assert (500, [500, 500, 200]) == (down, [alice.read() for _ in range(3)])


def test_a_policy_can_be_loaded_later(server: ConjurServer, alice: Client) -> None:
    server.load_policy(
        "- !variable late\n- !permit { role: !user alice, privilege: read, resource: !variable late }\n"
    )

    assert 403 == alice.read("late")


def test_other_accounts_and_policies_are_possible(value: bytes) -> None:
    with ConjurServer("lab", "- !host worker\n") as server:
        server.add_variable("key", value=value, readers=("host/worker",))
        with connected(server) as client:
            client.token = server.token("host/worker")

            assert value == client.send("GET", "/secrets/lab/variable/key").read()


def test_a_stopped_server_closes_kept_connections(server: ConjurServer, alice: Client) -> None:
    alice.read()
    server.stop()

    with pytest.raises(OSError):
        alice.read()


def test_a_server_starts_again_on_the_same_port(server: ConjurServer, alice: Client) -> None:
    url = server.url
    server.stop()
    server.start()

    assert (url, 200) == (server.url, alice.read())


def test_https_is_served_with_a_context(value: bytes) -> None:
    trustme = pytest.importorskip("trustme")
    authority, theirs, ours = (
        trustme.CA(),
        ssl.create_default_context(),
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
    )
    authority.issue_cert("127.0.0.1").configure_cert(ours)
    authority.configure_trust(theirs)
    with ConjurServer(ssl_context=ours) as server:
        server.add_variable(VARIABLE, value=value, readers=("alice",))
        with connected(server, theirs) as client:
            assert ("https", value) == (server.url[:5], client.send("GET", path_of()).read())


def test_a_client_without_trust_is_no_problem_of_the_server() -> None:
    trustme = pytest.importorskip("trustme")
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(ours)
    with ConjurServer(ssl_context=ours) as server:
        with (
            connected(server, ssl.create_default_context()) as client,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            client.read()

        assert ([], []) == (server.requests, server.problems)


def test_nothing_is_written(server: ConjurServer, alice: Client, capfd: pytest.CaptureFixture[str]) -> None:
    alice.read()
    alice.read("no/such")
    alice.status("TRACE", "/")

    assert ("", "") == capfd.readouterr()


def test_no_value_key_or_token_is_in_what_the_server_shows(
    server: ConjurServer, alice: Client, value: bytes
) -> None:
    alice.log_in(server.api_key("alice"))
    alice.read()
    shown = repr((server, server.requests, vars(server), vars(server.world), server.world.store.resources))

    assert [] == [text for text in (value.decode(), server.api_key("alice"), alice.token) if text in shown]
