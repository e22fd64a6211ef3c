"""Several addresses: logins, reads and writes go to one that can answer, and back to the first after a while."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, BackendUnavailable, InvalidResponse, ResolverError
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.conftest import SteppingClock
from tests.resolvers.conjur.support import at_once, read, resolver_for, token_body, value
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer

NAME = "pepipost/api_key"
LOGIN = "/authn/demo/alice/authenticate"
SECRET = "/secrets/demo/variable/pepipost%2Fapi_key"
RESOURCE = "/resources/demo/variable/pepipost%2Fapi_key"


@pytest.fixture
def follower(server: ConjurServer, canary: str) -> Iterator[ConjurServer]:
    """Another server of the same Conjur: the same keys of roles and the same key that signs tokens."""
    with ConjurServer() as running:
        running.set(NAME, canary.encode())
        running.world.credentials = server.world.credentials
        running.world.tokens = server.world.tokens
        yield running
        assert [] == running.problems


@pytest.fixture
def both(follower: ConjurServer, server: ConjurServer) -> ConjurResolver:
    """Asks the follower first."""
    return resolver_for(server, url=[follower.url, server.url])


def test_a_login_goes_to_the_next_address_while_the_first_cannot_answer(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver, canary: str
) -> None:
    follower.fault("status:503", times=99)

    assert canary == value(both, NAME)
    assert (1, 1) == (server.count("authenticate"), server.count("read"))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_whoever_says_that_it_cannot_answer_now_is_passed_over(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver, canary: str, status: int
) -> None:
    follower.fault(f"status:{status}", times=99)

    assert canary == value(both, NAME)


@pytest.mark.parametrize(
    "fault", ["status:403", "empty404", "html200", "status:400", "redirect:302:https://x/"]
)
def test_any_other_answer_is_not_asked_for_elsewhere(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver, fault: str
) -> None:
    follower.fault(fault, times=99)

    with pytest.raises(ResolverError):
        read(both, NAME)
    assert [] == server.requests


def test_all_that_throttle_say_how_long_to_wait(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver
) -> None:
    for each in (follower, server):
        each.fault("status:429:Retry-After=3600", times=99)

    with pytest.raises(BackendUnavailable) as caught:
        read(both, NAME)
    assert 3600 == caught.value.retry_after


def test_a_login_alone_that_is_down_is_made_elsewhere(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver, canary: str
) -> None:
    follower.fault("close", times=99, match="authenticate")

    assert canary == value(both, NAME)
    assert 1 == server.count("authenticate")


def test_a_token_is_good_at_every_address(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver, canary: str
) -> None:
    value(both, NAME)
    follower.stop()

    assert canary == value(both, NAME)
    assert (1, 0) == (follower.count("authenticate"), server.count("authenticate"))


def test_an_address_that_does_not_take_the_token_of_another_is_logged_in_to(
    server: ConjurServer, canary: str
) -> None:
    with ConjurServer() as other:  # with a key of its own for tokens, as before it has caught up
        other.set(NAME, canary.encode())
        other.world.credentials = server.world.credentials
        resolver = resolver_for(server, url=[server.url, other.url])
        value(resolver, NAME)
        server.stop()

        assert canary == value(resolver, NAME)
        assert (1, 2) == (other.count("authenticate"), other.count("read"))
        server.start()


def test_a_denied_login_is_not_asked_for_elsewhere(follower: ConjurServer, server: ConjurServer) -> None:
    auth = {"method": "api_key", "login": "alice", "api_key": secrets.token_hex(26)}

    with pytest.raises(AccessDenied):
        read(resolver_for(server, url=[follower.url, server.url], auth=auth), NAME)
    assert [] == server.requests


def test_who_answered_is_asked_first_from_then_on(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver
) -> None:
    follower.fault("status:503", times=99)
    value(both, NAME)
    follower.reset_requests()

    for _ in range(5):
        value(both, NAME)
    assert [] == follower.requests


def test_the_first_address_is_used_again_once_it_can_answer(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver, clock: SteppingClock
) -> None:
    follower.fault("status:503")
    value(both, NAME)
    server.reset_requests()
    clock.ahead = 61

    for _ in range(3):
        value(both, NAME)
    assert (3, []) == (follower.count("read"), server.requests)


def test_while_it_cannot_one_request_a_minute_tries_it(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver, clock: SteppingClock, canary: str
) -> None:
    follower.fault("status:503", times=99)
    value(both, NAME)
    follower.reset_requests()
    for minute in (1, 2):
        clock.ahead = minute * 61
        at_once(8, lambda: read(both, NAME))

    assert 2 == len(follower.requests)
    assert canary == value(both, NAME)


def test_an_answer_that_was_on_its_way_does_not_lead_back(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver, clock: SteppingClock
) -> None:
    follower.fault("status:503")
    value(both, NAME)
    server.delay = 0.5
    slow = threading.Thread(target=lambda: read(both, NAME))
    slow.start()
    while 2 > server.count("read"):
        time.sleep(0.01)
    clock.ahead = 61
    value(both, NAME)
    slow.join()
    follower.reset_requests()
    value(both, NAME)

    assert 1 == follower.count("read")


def test_trying_it_again_costs_a_second_at_most(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver, clock: SteppingClock, canary: str
) -> None:
    follower.fault("status:503")
    value(both, NAME)
    follower.fault("hang", times=9)
    clock.ahead = 61
    started = time.monotonic()

    assert canary == value(both, NAME, seconds=20)
    assert time.monotonic() - started < 5


def test_all_addresses_down_is_unavailable_and_asks_each(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver
) -> None:
    follower.fault("status:503", times=99)
    server.fault("status:500", times=99)

    with pytest.raises(BackendUnavailable):
        read(both, NAME)
    assert (3, 3) == (follower.count("authenticate"), server.count("authenticate"))


def test_many_readers_share_one_login_at_the_next_address(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver
) -> None:
    follower.stop()
    server.delay = 0.02

    assert not [one for one in at_once(16, lambda: value(both, NAME)) if isinstance(one, BaseException)]
    assert 1 == server.count("authenticate")


def test_a_batch_goes_to_the_next_address_too(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver, canary: str
) -> None:
    server.set("pepipost/unicode", b"x")
    value(both, NAME)
    follower.stop()

    found = both.fetch_many([both.locate(NAME), both.locate("pepipost/unicode")], Deadline(5))
    assert [canary, "x"] == [one.value for one in found]  # type: ignore[union-attr]
    assert 1 == server.count("batch")


# Writing


def test_a_write_goes_to_the_address_that_can_write_and_reads_stay_where_they_are(
    follower: ConjurServer, server: ConjurServer, both: ConjurResolver
) -> None:
    value(both, NAME)
    follower.fault("status:500", times=99, match="set")
    new = "new-" + secrets.token_hex(8)

    # Were it read back from the follower, the old value would be found.
    assert new == both.put(both.locate(NAME), new, Deadline(5)).value
    assert (1, 1) == (follower.count("set"), server.count("set"))
    server.reset_requests()
    value(both, NAME)
    assert [] == server.requests


def test_a_follower_that_points_to_the_leader_is_told_and_not_followed(server: ConjurServer) -> None:
    with FaultyServer() as reader:
        reader.answer(body=token_body(), path=LOGIN)
        reader.answer(307, headers={"Location": server.url + SECRET}, path=SECRET)
        resolver = resolver_for(server, url=reader.url)
        with pytest.raises(InvalidResponse, match="redirect not followed: set url to where Conjur is"):
            resolver.put(resolver.locate(NAME), "x", Deadline(5))

    assert [] == server.requests
