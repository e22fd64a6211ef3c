"""pymongo itself, against a stand-in for a server that checks its logins."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pymongo
import pytest
from pymongo.errors import OperationFailure

from secretsource import AccessDenied, Secret, Store
from secretsource.integrations.pymongo import SecretMongoClient
from secretsource.testing import MemoryResolver, override
from tests.fakes import eventually, in_threads
from tests.servers._process import LOOPBACK
from tests.servers.mongodb import MongoDB

T = TypeVar("T")
HUGE = pytest.param(10**400, id="huge")  # more than any float
NAME, USER = "mongo/password", "mongo/user"


class World:
    """A server, and a store that has its password."""

    def __init__(self, server: MongoDB) -> None:
        self.server = server
        self.memory = MemoryResolver()
        self.store = Store([self.memory])
        self.rotate()

    def rotated(self) -> None:
        """Do the same, and let the store notice it."""
        self.rotate()
        self.store.get(NAME, refresh=True)

    def rotate(self, user: str = "shop") -> str:
        """Let the server take another password, and the backend have it; connections stay open."""
        password = secrets.token_hex(8)
        self.server.passwords[user] = password
        self.memory.put("mongo", {"user": user, "password": password})
        return password

    def client(self, **options: Any) -> SecretMongoClient:
        merged = {"password": NAME, "username": "shop", "store": self.store, "serverSelectionTimeoutMS": 2000}
        return SecretMongoClient(f"mongodb://{LOOPBACK}:{self.server.port}", **{**merged, **options})


@pytest.fixture
def world() -> Iterator[World]:
    with MongoDB() as server:
        world = World(server)
        yield world
        world.store.close()


def who(client: pymongo.MongoClient[Any]) -> str:
    """Return the user of a connection; like every read, it is sent again where a connection was lost."""
    client.shop.orders.find_one()
    [user] = client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"]
    return str(user["user"])


def are_one(clients: list[pymongo.MongoClient[Any]]) -> bool:
    """Whether all of them are the same object; two of one address are equal for pymongo."""
    return len({id(each) for each in clients}) == 1


def test_a_password_logs_in(world: World) -> None:
    with world.client() as mongo:
        assert "shop" == mongo.run(who)
    assert ["shop"] == world.server.logged_in


def test_a_client_of_pymongo_keeps_its_password_for_good(world: World) -> None:
    """Why there is such a class."""
    client: pymongo.MongoClient[Any] = pymongo.MongoClient(
        LOOPBACK, world.server.port, username="shop", password=world.server.passwords["shop"]
    )
    with client:
        assert "shop" == who(client)
        world.rotate()
        assert "shop" == who(client), "a connection that is open stays logged in"
        world.server.kill_clients()
        with pytest.raises(OperationFailure, match="Authentication failed"):
            who(client)


def test_a_refused_login_is_tried_again_with_another_client(world: World) -> None:
    with world.client() as mongo:
        before = mongo.client()
        assert "shop" == mongo.run(who)
        world.rotate()
        world.server.kill_clients()
        assert "shop" == mongo.run(who)
        assert before is not mongo.client()
    assert 2 >= world.server.refused


def test_a_secret_that_comes_after_the_server_is_waited_for(world: World) -> None:
    with world.client() as mongo:
        assert "shop" == mongo.run(who)
        late = secrets.token_hex(8)
        world.server.passwords["shop"] = late
        world.server.kill_clients()
        timer = threading.Timer(0.3, world.memory.put, ["mongo", {"user": "shop", "password": late}])
        timer.start()
        assert "shop" == mongo.run(who)
        timer.join()


def test_users_that_take_turns_are_followed_before_any_is_refused(world: World) -> None:
    world.rotate("shop_1")
    with world.client(user=USER, username=None) as mongo:
        assert "shop_1" == mongo.run(who)
        world.rotate("shop_2")
        world.store.get(NAME, refresh=True)
        assert "shop_2" == mongo.run(who)
    assert 0 == world.server.refused


def test_the_client_stays_the_same_while_the_secret_does(world: World) -> None:
    with world.client() as mongo:
        before = mongo.client()
        world.store.get(NAME, refresh=True)
        assert before is mongo.client()
        assert are_one([before, *in_threads(8, mongo.client)])


class LateStore(Store):
    """A store that holds back what one thread has read, until it may come."""

    def __init__(self, memory: MemoryResolver) -> None:
        super().__init__([memory])
        self.has_read = threading.Event()
        self.may_come = threading.Event()

    def get_many(self, *args: Any, **kwargs: Any) -> dict[str, Secret]:
        found = super().get_many(*args, **kwargs)
        if threading.current_thread().name == "late" and not self.has_read.is_set():
            self.has_read.set()
            assert self.may_come.wait(10)
        return found


@pytest.fixture
def late(world: World) -> Iterator[LateStore]:
    world.store.close()
    world.store = late = LateStore(world.memory)
    yield late
    late.may_come.set()


def come_late(world: World, late: LateStore, call: Callable[[], T]) -> tuple[pymongo.MongoClient[Any], T]:
    """Let a thread do *call*, which reads; rotate, let another make the new client, and then let the first go on."""
    came: list[T] = []
    thread = threading.Thread(target=lambda: came.append(call()), name="late")
    thread.start()
    assert late.has_read.wait(10)
    world.rotated()
    newer = mongo_of(call).client()
    late.may_come.set()
    thread.join(10)
    return newer, came[0]


def mongo_of(call: Any) -> SecretMongoClient:
    mongo: SecretMongoClient = getattr(call, "func", call).__self__
    return mongo


def test_who_has_read_before_a_rotation_and_comes_after_it_has_the_client_of_then(
    world: World, late: LateStore
) -> None:
    with world.client() as mongo:
        older = mongo.client()
        newer, came = come_late(world, late, mongo.client)
        assert older is came is not newer
        assert are_one([newer, *(mongo.client() for _ in range(3))])


def test_where_there_is_none_of_then_it_has_the_one_of_now(world: World, late: LateStore) -> None:
    with world.client() as mongo:
        newer, came = come_late(world, late, mongo.client)
        assert are_one([newer, came, mongo.client(), mongo.client()])


@pytest.mark.parametrize("is_first", [True, False])
def test_what_runs_late_logs_in_and_leaves_the_client_of_now(
    world: World, late: LateStore, is_first: bool
) -> None:
    with world.client() as mongo:
        if not is_first:
            mongo.client()
        newer, user = come_late(world, late, partial(mongo.run, who))
        assert "shop" == user
        assert are_one([newer, mongo.client(), mongo.client()])


def test_a_password_that_comes_back_is_used_again(world: World) -> None:
    with world.client() as mongo:
        password, first = world.server.passwords["shop"], mongo.client()
        world.rotated()
        mongo.client()
        world.server.passwords["shop"] = password
        world.memory.put("mongo", {"user": "shop", "password": password})
        world.store.get(NAME, refresh=True)
        assert first is not mongo.client(), "that one is to be closed"
        assert "shop" == mongo.run(who)


def test_a_client_that_cannot_be_made_leaves_the_one_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    with world.client(drain=0) as mongo:
        old = mongo.client()
        world.rotated()
        monkeypatch.setattr("secretsource.integrations.pymongo.MongoClient", fail)
        with pytest.raises(MemoryError):
            mongo.client()
        assert not eventually(lambda: _is_closed(old), within=0.3)


def test_the_longest_time_to_drain_is_longer_than_any_timer_counts(world: World) -> None:
    with world.client(drain=sys.float_info.max) as mongo:
        old = mongo.client()
        world.rotated()
        assert old is not mongo.client()
        assert "shop" == mongo.run(who)


def test_a_client_that_is_replaced_is_closed_later(world: World) -> None:
    with world.client(drain=0.5) as mongo:
        old = mongo.client()
        assert "shop" == who(old)
        world.rotate()
        world.store.get(NAME, refresh=True)
        assert "shop" == mongo.run(who)
        assert "shop" == who(old), "what runs with it ends in peace"
        assert eventually(lambda: _is_closed(old))
        assert "shop" == mongo.run(who)


def _is_closed(client: pymongo.MongoClient[Any]) -> bool:
    try:
        who(client)
    except pymongo.errors.InvalidOperation:
        return True
    except pymongo.errors.PyMongoError:
        return False  # it is closed in this moment
    return False


def test_a_password_that_stays_wrong_is_mongodbs_own_error_after_the_wait(world: World) -> None:
    world.server.passwords["shop"] = secrets.token_hex(8)
    with world.client(wait=0.4) as mongo:
        began = time.monotonic()
        with pytest.raises(OperationFailure, match="Authentication failed"):
            mongo.run(who)
        assert 0.3 < time.monotonic() - began < 1.6


def test_other_errors_of_the_server_are_not_tried_twice(world: World) -> None:
    def fail(_: object) -> None:
        calls.append(None)
        raise OperationFailure("not authorized", 13)

    calls: list[None] = []
    with world.client() as mongo, pytest.raises(OperationFailure, match="not authorized"):
        mongo.run(fail)
    assert [None] == calls
    assert ["mongo"] == world.memory.calls, "the store is not told of a refusal"


def test_a_password_that_cannot_be_read_is_our_error(world: World) -> None:
    world.memory.deny()
    with world.client() as mongo:
        with pytest.raises(AccessDenied):
            mongo.run(who)
        world.memory.recover()
        assert "shop" == mongo.run(who)


def test_the_process_wide_store_of_the_moment_is_read(world: World) -> None:
    with world.client(store=None) as mongo, override({NAME: world.server.passwords["shop"]}):
        assert "shop" == mongo.run(who)


def test_it_is_used_again_after_it_was_closed(world: World) -> None:
    mongo = world.client()
    assert "shop" == mongo.run(who)
    mongo.close()
    mongo.close()
    assert "shop" == mongo.run(who)
    mongo.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_child_has_a_client_of_its_own(world: World) -> None:
    with world.client() as mongo:
        parents = mongo.client()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if mongo.client() is not parents and mongo.run(who) == "shop" else 1
            finally:
                os._exit(status)
        assert (child, 0) == os.waitpid(child, 0)
        assert parents is mongo.client()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_child_closes_nothing_of_its_parent_and_waits_for_no_thread_of_it(world: World) -> None:
    with world.client() as mongo:
        assert "shop" == mongo.run(who)
        with mongo._clients.lock:  # as a thread of the parent that makes a client
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    signal.alarm(20)  # so that a deadlock ends
                    mongo.close()
                    status = 0 if mongo.run(who) == "shop" else 1
                    mongo.close()
                finally:
                    os._exit(status)
        assert (child, 0) == os.waitpid(child, 0)
        logins = len(world.server.logged_in)
        assert "shop" == mongo.run(who)
        assert logins == len(world.server.logged_in), "its connection is still open"


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), HUGE, "1", None, True])
@pytest.mark.parametrize("argument", ["drain", "wait"])
def test_what_is_no_number_of_seconds_is_told_at_once(world: World, argument: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"{argument} must be 0 seconds or more"):
        world.client(**{argument: wrong})


@pytest.mark.parametrize(
    "host",
    [
        "mongodb://shop:{}@mongo.example.com/?appName=x",
        "mongodb+srv://shop:{}@mongo.invalid",
        "mongodb://shop:{}/1@mongo.example.com",
        "mongodb://shop:{}?1@mongo.example.com/?appName=x",
        "mongodb://shop:1@{}@one,two:27018",
        "shop:{}@mongo.example.com",
        ["one", "mongodb://shop:{}@two"],
        ("mongodb://shop:{}@two", "one"),
    ],
)
def test_a_password_in_the_address_is_refused_and_not_shown(host: Any) -> None:
    canary = secrets.token_hex(8)
    given = host.format(canary) if isinstance(host, str) else [each.format(canary) for each in host]
    with pytest.raises(ValueError, match=r"^host has a password in it: take it out") as caught:
        SecretMongoClient(given, password=NAME, username="shop")
    assert canary not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "host",
    [
        "mongo.example.com:27017",
        "mongodb://shop@mongo.example.com:27017",
        "mongodb+srv://mongo.invalid/shop",
        "mongodb://[::1]:27017/?appName=@shop@",
        "mongodb://one:27017,two:27018/shop%40home?replicaSet=a&appName=a:b@",
        "mongodb://%2Frun%2Fmongodb.sock",
        ["one:27017", "two:27018"],
        None,
    ],
)
def test_other_addresses_are_taken_and_nothing_is_resolved(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", None)
    monkeypatch.setattr("socket.socket", None)
    assert SecretMongoClient(host, password=NAME, username="shop")


@pytest.mark.parametrize("options", [{"username": None}, {"user": USER}])
def test_there_is_one_user(world: World, options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="username"):
        world.client(**options)


def test_nothing_shows_a_value(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = secrets.token_hex(8)
    with world.client(wait=0) as mongo:
        assert "shop" == mongo.run(who)
        shown = [repr(mongo), repr(mongo.client()), repr(mongo.client().options), repr(vars(mongo))]
        right = world.server.passwords["shop"]
    world.memory.put("mongo", {"user": "shop", "password": wrong})
    with world.client(wait=0, store=Store([world.memory])) as mongo:
        with pytest.raises(OperationFailure) as caught:
            mongo.run(who)
        shown.append(_everything_of(caught.value))
    assert "SecretMongoClient(password='mongo/password', username='shop')" == shown[0]
    for value in (right, wrong):
        assert value not in "".join(shown) + caplog.text


def _everything_of(error: BaseException) -> str:
    """Return what a report of errors with the locals of all frames shows, but for those of the tests."""
    shown = ["".join(traceback.format_exception(error))]
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if not frame.f_code.co_filename.startswith(str(Path(__file__).parents[1])):
            shown.append(repr(frame.f_locals))
    assert error.__context__ is None
    return "".join(shown)
