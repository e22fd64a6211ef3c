"""What a connection logs in with."""

from __future__ import annotations

import asyncio
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import Any

import pytest

from secretsource import BackendUnavailable, InvalidReference, InvalidValue, Secret, SecretNotFound, Store
from secretsource.integrations._login import Credentials, Login
from secretsource.testing import MemoryResolver, override
from tests.fakes import in_threads

pytestmark = pytest.mark.filterwarnings("error")


class RefusedError(Exception):
    """The server refuses a login."""


class Server:
    """Takes one user and one password, and counts the logins."""

    def __init__(self) -> None:
        self.login = (token_hex(8), token_hex(8))
        self.logins = 0

    def open(self, credentials: Credentials) -> str:
        self.logins += 1
        if (credentials.user, credentials.password) != self.login:
            raise RefusedError("wrong password")
        return "open"

    async def aopen(self, credentials: Credentials) -> str:
        return self.open(credentials)


def is_refused(error: Exception) -> bool:
    return isinstance(error, RefusedError)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def memory(server: Server) -> MemoryResolver:
    memory = MemoryResolver()
    keep(memory, server)
    return memory


@pytest.fixture
def store(memory: MemoryResolver) -> Iterator[Store]:
    with Store([memory]) as store:
        yield store


@pytest.fixture
def login(store: Store) -> Login:
    return Login("db/primary/password", user="db/primary/user", store=store, wait=0)


def keep(memory: MemoryResolver, server: Server) -> None:
    memory.put("db/primary", dict(zip(("user", "password"), server.login, strict=True)))


def rotate(server: Server) -> None:
    server.login = (token_hex(8), token_hex(8))


Connect = Callable[[Login, Server], "object"]


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Connect:
    if request.param == "sync":
        return lambda login, server: login.connect(server.open, is_refused)

    def in_a_loop(login: Login, server: Server) -> object:
        return asyncio.run(login.aconnect(server.aopen, is_refused))

    return in_a_loop


def test_user_and_password_are_read_for_each_connection(
    login: Login, server: Server, memory: MemoryResolver, store: Store, connect: Connect
) -> None:
    assert "open" == connect(login, server)
    rotate(server)
    keep(memory, server)
    store.invalidate()
    assert ("open", 2) == (connect(login, server), server.logins)


def test_a_refused_login_is_tried_once_more_with_the_newer_one(
    login: Login, server: Server, memory: MemoryResolver, connect: Connect
) -> None:
    connect(login, server)
    rotate(server)
    keep(memory, server)
    assert ("open", 3) == (connect(login, server), server.logins)


def test_it_waits_for_the_other_step_of_a_rotation(
    server: Server, memory: MemoryResolver, store: Store, connect: Connect
) -> None:
    login = Login("db/primary/password", user="db/primary/user", store=store, wait=10)
    connect(login, server)
    rotate(server)
    threading.Timer(0.3, keep, [memory, server]).start()
    assert ("open", 3) == (connect(login, server), server.logins)


def test_a_login_that_stays_wrong_is_not_tried_twice(login: Login, server: Server, connect: Connect) -> None:
    rotate(server)
    with pytest.raises(RefusedError, match="wrong password") as caught:
        connect(login, server)
    assert (1, False) == (server.logins, hasattr(caught.value, "__notes__"))


def test_a_newer_one_that_is_refused_too_ends_it(
    login: Login, server: Server, memory: MemoryResolver, connect: Connect
) -> None:
    connect(login, server)
    rotate(server)
    keep(memory, server)
    rotate(server)
    with pytest.raises(RefusedError):
        connect(login, server)
    assert 3 == server.logins


def test_a_newer_user_with_the_same_password_is_tried(
    login: Login, server: Server, memory: MemoryResolver, connect: Connect
) -> None:
    connect(login, server)
    server.login = (token_hex(8), server.login[1])
    keep(memory, server)
    assert ("open", 3) == (connect(login, server), server.logins)


def test_any_other_error_goes_through(login: Login, connect: Connect) -> None:
    class Down(Server):
        def open(self, credentials: Credentials) -> str:
            self.logins += 1
            raise ConnectionRefusedError

    server = Down()
    with pytest.raises(ConnectionRefusedError):
        connect(login, server)
    assert 1 == server.logins


def test_if_nobody_can_say_whether_there_is_another_the_refusal_says_so(
    login: Login, server: Server, memory: MemoryResolver, connect: Connect
) -> None:
    connect(login, server)
    rotate(server)
    memory.deny()
    with pytest.raises(RefusedError) as caught:
        connect(login, server)
    (note,) = caught.value.__notes__
    assert note.startswith("the login was refused, and there is no other: AccessDenied: ")


def test_if_the_other_one_is_binary_the_refusal_says_so(
    login: Login, server: Server, memory: MemoryResolver, connect: Connect
) -> None:
    connect(login, server)
    rotate(server)
    memory.put("db/primary", {"user": server.login[0], "password": b"\xff"})
    with pytest.raises(RefusedError) as caught:
        connect(login, server)
    (note,) = caught.value.__notes__
    assert note.startswith(
        "the login was refused, and there is no other: InvalidValue: 'db/primary/password' is binary"
    )


@pytest.mark.parametrize("field", ["user", "password"])
def test_a_binary_login_is_told(
    login: Login, server: Server, memory: MemoryResolver, connect: Connect, field: str
) -> None:
    memory.put("db/primary", {"user": "shop", "password": "p", field: b"\xff"})
    with pytest.raises(InvalidValue, match=f"^'db/primary/{field}' is binary"):
        connect(login, server)


def test_without_a_password_nothing_is_tried(server: Server, store: Store, connect: Connect) -> None:
    with pytest.raises(SecretNotFound, match="db/other"):
        connect(Login("db/other", store=store), server)
    assert 0 == server.logins


def test_an_outage_is_an_error_where_nothing_is_cached(
    login: Login, server: Server, memory: MemoryResolver, connect: Connect
) -> None:
    memory.fail("refused")
    with pytest.raises(BackendUnavailable):
        connect(login, server)


def test_the_user_may_be_no_secret(memory: MemoryResolver, store: Store) -> None:
    credentials = Login("db/primary/password", store=store).read()
    assert (None, store.get("db/primary/password").value) == (credentials.user, credentials.password)


def test_without_a_store_it_is_the_one_of_the_moment() -> None:
    login = Login("db/password")
    value = token_hex(8)
    with override({"db/password": value}):
        assert value == login.read().password


def test_both_are_of_one_version_while_they_change(memory: MemoryResolver, store: Store) -> None:
    login, ended = Login("db/primary/password", user="db/primary/user", store=store), threading.Event()

    def change() -> None:
        for number in range(200):
            memory.put("db/primary", {"user": f"user-{number}", "password": f"password-{number}"})
            store.invalidate()
        ended.set()

    memory.put("db/primary", {"user": "user-x", "password": "password-x"})
    thread = threading.Thread(target=change)
    thread.start()
    seen = set()
    while not ended.is_set():
        credentials = login.read()
        seen.add((str(credentials.user).split("-")[1], credentials.password.split("-")[1]))
    thread.join()
    assert [] == [each for each in seen if each[0] != each[1]]


def test_what_is_read_after_another_read_is_later(login: Login, store: Store) -> None:
    first, second = login.read(), asyncio.run(login.aread())
    assert (True, False, False) == (
        second.are_later_than(first),
        first.are_later_than(second),
        first.are_later_than(first),
    )


def test_of_reads_at_the_same_time_none_is_later(memory: MemoryResolver) -> None:
    class Slow(Store):
        def get_many(self, *args: Any, **kwargs: Any) -> dict[str, Secret]:
            both.wait(10)
            return super().get_many(*args, **kwargs)

    both = threading.Barrier(2)
    with Slow([memory]) as store:
        one, other = in_threads(2, Login("db/primary/password", store=store).read)
    assert not one.are_later_than(other)
    assert not other.are_later_than(one)


def test_no_value_is_shown(login: Login, server: Server) -> None:
    credentials = login.read()
    shown = [repr(login), repr(credentials), str(credentials), f"{credentials!r}"]
    rotate(server)
    try:
        login.connect(server.open, is_refused)
    except RefusedError as error:
        shown.append(
            "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        )
    assert [] == [
        text for text in shown for value in (credentials.user, credentials.password) if str(value) in text
    ]
    assert "Credentials(db/primary/user, db/primary/password, version='1')" == repr(credentials)


def test_credentials_are_not_pickled(login: Login) -> None:
    with pytest.raises(TypeError, match="hold values"):
        pickle.dumps(login.read())


@pytest.mark.parametrize(
    "wrong", [-1, float("nan"), float("inf"), pytest.param(10**400, id="huge"), "1", None, True]
)
def test_a_wait_that_is_no_number_of_seconds_is_told_at_once(store: Store, wrong: Any) -> None:
    with pytest.raises(ValueError, match="wait must be 0 seconds or more"):
        Login("db/password", store=store, wait=wrong)


@pytest.mark.parametrize("wrong", ["db//password", "", "../x", 1])
def test_a_name_that_is_none_is_told_at_once(store: Store, wrong: Any) -> None:
    with pytest.raises(InvalidReference):
        Login(wrong, store=store)
    with pytest.raises(InvalidReference):
        Login("db/password", user=wrong, store=store)
