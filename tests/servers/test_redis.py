"""The Redis server does what the tests of its clients believe."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers._process import LOOPBACK
from tests.servers.redis import Redis


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with Redis() as server:
        yield server


def client_of(server: Redis, password: str, *, username: str | None = None) -> redis.Redis:
    return redis.Redis(
        host=LOOPBACK,
        port=server.port,
        username=username,
        password=password,
        retry=Retry(NoBackoff(), 0),
    )


def test_only_the_password_of_now_is_taken(server: Redis) -> None:
    before = server.password
    with client_of(server, before) as open_before:
        assert open_before.ping()
        server.set_password(secrets.token_hex(8))
        assert open_before.ping(), "who was in stays in"
        with client_of(server, before) as late, pytest.raises(redis.AuthenticationError):
            late.ping()
        with client_of(server, server.password) as newer:
            assert newer.ping()


def test_clients_are_killed(server: Redis) -> None:
    with client_of(server, server.password) as client:
        assert client.ping()
        with client.client() as held:
            assert held.ping()
            assert 1 <= server.kill_clients()
            assert [] == server.clients(user="default")
            with pytest.raises(redis.ConnectionError):
                held.ping()


def test_a_user_comes_and_goes(server: Redis) -> None:
    password = secrets.token_hex(8)
    server.set_password(password, user="shop")
    with client_of(server, password, username="shop") as client:
        assert "shop" == client.acl_whoami()
        server.drop_user("shop")
        assert [] == server.clients(user="shop")
        with pytest.raises(redis.AuthenticationError):
            client.ping()


def test_it_takes_three_hundred_clients(server: Redis) -> None:
    clients = [client_of(server, server.password) for _ in range(300)]
    try:
        assert all(each.ping() for each in clients)
        assert 300 <= len(server.clients(user="default"))
    finally:
        for each in clients:
            each.close()


def test_a_cluster_of_one_node_answers() -> None:
    with Redis(cluster=True) as server:
        client = redis.RedisCluster(host=LOOPBACK, port=server.port, password=server.password)
        assert client.set("a", "b")
        client.close()


def test_it_leaves_nothing_and_shows_no_password() -> None:
    with Redis() as server:
        folder = server.socket.parent
        pid = server.command("INFO", "server").decode().partition("process_id:")[2].split()[0]
        assert server.password.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert not folder.exists()
