"""Celery over a real Redis whose password changes: a live worker, its pool of processes, and who sends tasks."""

from __future__ import annotations

import gc
import json
import logging
import secrets
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from celery import Celery

from secretsource import ConfigError
from secretsource.integrations.celery import SecretRedisBackend, SecretTransport, use_secrets
from secretsource.integrations.redis import SecretConnection, SecretSSLConnection
from secretsource.testing import override
from tests.integrations.redis_world import NAME, USER, World, tls_in_front_of
from tests.process.run import ROOT, environ_with
from tests.servers._process import LOOPBACK, Process
from tests.servers.openbao import OpenBao
from tests.servers.redis import Redis

PROCESSES = 2
_SEND = "from examples.celery.tasks import bill; print(bill.delay(7).get(timeout=30))"

# Celery's own use of redis-py.
pytestmark = pytest.mark.filterwarnings("ignore:Call to :DeprecationWarning")


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture
def world(server: Redis) -> Iterator[World]:
    world = World(server)
    yield world
    world.close()


def app_of(world: World, **options: Any) -> Celery:
    """Return an application that sends tasks."""
    app = Celery(
        "shop", broker=url_of(world.server, 0), backend=url_of(world.server, 1), set_as_current=False
    )
    use_secrets(app, **{"broker": NAME, "result_backend": NAME, "store": world.store, **options})
    return app


def url_of(server: Redis, number: int, *, user: str = "") -> str:
    return f"redis://{user}{LOOPBACK}:{server.port}/{number}"


def test_a_task_is_sent_after_a_rotation_whose_secret_comes_later(world: World) -> None:
    app = app_of(world)
    for later in (0.0, 0.4):
        app.send_task("nobody", task_id=f"sent-{later}", ignore_result=True)
        world.rotate(later=later)
    app.send_task("nobody", ignore_result=True)
    assert 3 == int(world.server.command("LLEN", "celery"))
    world.server.command("DEL", "celery")
    app.close()


def test_a_result_is_read_after_a_rotation_whose_secret_comes_later(world: World) -> None:
    app = app_of(world)
    app.backend.store_result("a-task", {"answer": 42}, "SUCCESS")
    world.rotate(later=0.4)
    assert {"answer": 42} == app.AsyncResult("a-task").get(timeout=10)
    gc.collect()  # a result unsubscribes when it is collected
    app.close()


def test_the_user_of_the_url_is_used(world: World) -> None:
    world.rotate(user="shop_1")
    app = Celery(
        "shop",
        broker=url_of(world.server, 0, user="shop_1@"),
        backend=url_of(world.server, 1, user="shop_1@"),
        set_as_current=False,
    )
    use_secrets(app, broker=NAME, result_backend=NAME, store=world.store)
    assert "shop_1" == app.backend.client.acl_whoami()
    with app.connection_for_write() as connection:
        assert "shop_1" == connection.default_channel.client.acl_whoami()
    app.close()


def test_users_that_take_turns_are_followed(world: World) -> None:
    world.rotate(user="shop_1")
    app = app_of(world, broker_user=USER, result_backend_user=USER)
    assert "shop_1" == app.backend.client.acl_whoami()
    world.rotate(user="shop_2")
    world.server.drop_user("shop_1")
    assert "shop_2" == app.backend.client.acl_whoami()
    with app.connection_for_write() as connection:
        assert "shop_2" == connection.default_channel.client.acl_whoami()
    app.close()


def test_a_password_that_stays_wrong_is_rediss_own_error(world: World) -> None:
    world.both(secrets.token_hex(8), user="default")
    app = app_of(world, wait=0.2)
    with pytest.raises(redis.AuthenticationError):
        app.backend.client.ping()
    with pytest.raises(redis.AuthenticationError):
        app.connection_for_write().connect()
    app.close()


def test_the_process_wide_store_of_the_moment_is_read(world: World) -> None:
    app = app_of(world, store=None)
    with override({NAME: world.server.password}):
        assert app.backend.client.ping()
    app.close()


def test_one_of_the_two_is_left_as_it_is(world: World) -> None:
    app = app_of(world, broker=None)
    assert not app.conf.broker_transport
    assert isinstance(app.backend, SecretRedisBackend)
    app = app_of(world, result_backend=None)
    assert not isinstance(app.backend, SecretRedisBackend)
    assert isinstance(app.connection_for_read().transport, SecretTransport)


def test_other_transport_options_stay(world: World) -> None:
    app = app_of(world)
    app.conf.broker_transport_options = {"visibility_timeout": 77}
    assert 77 == app.conf.broker_transport_options["visibility_timeout"]
    assert "credential_provider" in app.conf.broker_transport_options


def test_it_counts_in_an_application_that_is_configured_already(world: World) -> None:
    app = Celery("shop", broker=url_of(world.server, 0), set_as_current=False)
    assert app.conf.broker_url
    use_secrets(app, broker=NAME, store=world.store)
    app.connection_for_write().ensure_connection(max_retries=1)
    app.close()


@pytest.mark.parametrize(
    "url", ["amqp://localhost", "redis://a;redis://b", "redis+socket:///tmp/s", "sentinel://localhost"]
)
def test_another_broker_is_a_configuration_error(url: str) -> None:
    app = Celery("shop", broker=url, set_as_current=False)
    use_secrets(app, broker=NAME)
    with pytest.raises(ConfigError, match="broker_read_url"):
        app.connection_for_write()


def test_another_result_backend_is_a_configuration_error() -> None:
    app = Celery("shop", backend="rpc://", set_as_current=False)
    use_secrets(app, result_backend=NAME)
    with pytest.raises(ConfigError, match="result_backend"):
        app.backend  # noqa: B018


def test_a_user_without_a_password_is_an_error() -> None:
    with pytest.raises(TypeError, match="broker"):
        use_secrets(Celery("shop", set_as_current=False), broker_user=USER)


def test_tls_does_the_same(world: World) -> None:
    trustme = pytest.importorskip("trustme")
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(LOOPBACK).configure_cert(context)
    with tls_in_front_of(world.server.port, context) as port, authority.cert_pem.tempfile() as ca:
        url, tls = f"rediss://{LOOPBACK}:{port}", {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": ca}
        app = Celery("shop", broker=f"{url}/0", backend=f"{url}/1", set_as_current=False)
        app.conf.update(broker_use_ssl=tls, redis_backend_use_ssl=tls)
        use_secrets(app, broker=NAME, result_backend=NAME, store=world.store)
        for _ in range(2):
            assert app.backend.client.ping()
            with app.connection_for_write() as connection:
                assert connection.default_channel.client.ping()
            app.backend.client.connection_pool.disconnect()
            world.rotate(later=0.2)
        app.close()


# redis-py leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl:pytest.PytestUnraisableExceptionWarning")
def test_a_certificate_that_nobody_trusts_is_refused(world: World) -> None:
    trustme = pytest.importorskip("trustme")
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(LOOPBACK).configure_cert(context)
    with tls_in_front_of(world.server.port, context) as port:
        app = Celery("shop", broker=f"rediss://{LOOPBACK}:{port}/0", set_as_current=False)
        use_secrets(app, broker=NAME, store=world.store)
        with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            app.connection_for_write().connect()
        gc.collect()
    assert [] == world.memory.calls, "no password was read for it"


def test_tls_looks_at_certificates_unless_it_is_told_not_to(world: World) -> None:
    url = url_of(world.server, 0).replace("redis:", "rediss:")
    app = Celery("shop", broker=url, backend=f"{url}?ssl_cert_reqs=required", set_as_current=False)
    use_secrets(app, broker=NAME, result_backend=NAME, store=world.store)
    assert {"ssl_cert_reqs": "required"} == app.conf.broker_use_ssl
    assert SecretSSLConnection is app.backend.connparams["connection_class"]
    assert ssl.CERT_REQUIRED == app.backend.connparams["ssl_cert_reqs"]
    assert SecretConnection is app_of(world).backend.connparams["connection_class"]


def test_nothing_that_is_shown_has_a_value(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    app = app_of(world)
    connection = app.connection_for_write()
    connection.ensure_connection(max_retries=1)
    shown = [
        app.conf.humanize(with_defaults=True, censored=False),
        app.bugreport(),
        repr(connection),
        repr(connection.info()),
        connection.as_uri(include_password=True),
        repr(app.backend),
        repr(app.backend.connparams),
        app.backend.as_uri(include_password=True),
        caplog.text,
    ]
    assert world.server.password not in "\n".join(shown)
    assert f"'{NAME}'" in shown[0]
    app.close()


# A live worker


@dataclass(frozen=True)
class Shop:
    """A worker that reads from OpenBao, and a store of ours, which has the same."""

    world: World
    bao: OpenBao
    app: Celery

    def rotate(self, *, later: float) -> None:
        """Change the password, at both places of the backends so many seconds after the server."""
        self.world.rotate(later=later)

        def put() -> None:
            self.bao.put("secret", "redis", {"password": self.world.server.password})

        threading.Timer(later, put).start()

    def of_each(self, kind: str) -> list[Any]:
        """Ask the worker over its broker."""
        return list(getattr(self.app.control.inspect(timeout=5, limit=1), kind)().values())


@pytest.fixture(scope="module")
def shop(server: Redis) -> Iterator[Shop]:
    world = World(server)
    with OpenBao() as bao:
        bao.put("secret", "redis", {"password": server.password})
        command = [
            *(sys.executable, "-m", "celery", "--app", "examples.celery.tasks", "worker"),
            *("--pool", "prefork", "--concurrency", str(PROCESSES), "--loglevel", "WARNING"),
        ]
        environ = {
            "BAO_ADDR": bao.url,
            "BAO_TOKEN": bao.root_token,
            "SECRETSOURCE_CHAIN": "vault",
            "REDIS": f"redis://{LOOPBACK}:{server.port}",
            "C_FORCE_ROOT": "1",
        }
        app = app_of(world)
        with Process(command, environ=environ_with(environ)) as process:
            shop = Shop(world, bao, app)
            process.wait_until(lambda: bool(app.control.inspect(timeout=0.5, limit=1).ping()), timeout=60)
            yield shop
            output = process._tail()
            assert server.password not in output
            assert "raised unexpected" not in output
        app.close()
    world.close()


def test_a_worker_shows_no_value_in_what_it_answers(shop: Shop) -> None:
    answers = [shop.of_each(kind) for kind in ("conf", "stats", "report")]
    assert [1, 1, 1] == [len(each) for each in answers]
    text = json.dumps(answers)
    assert shop.world.server.password not in text
    assert NAME in text


# Celery 5.6 leaves the sockets of lost subscriptions to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_a_worker_goes_on_over_rotations_and_loses_no_task(shop: Shop) -> None:
    sent, stop = [], threading.Event()

    def send() -> None:
        while not stop.is_set():
            sent.append(shop.app.send_task("bill", [len(sent)]))
            time.sleep(0.02)

    thread = threading.Thread(target=send)
    thread.start()
    for later in (0.0, 0.5, 0.0):
        time.sleep(0.7)
        shop.rotate(later=later)
        time.sleep(later)
    time.sleep(0.7)
    stop.set()
    thread.join(20)
    assert [f"bill for order {order}" for order in range(len(sent))] == [
        each.get(timeout=20) for each in sent
    ]
    assert len(sent) > 50
    sent.clear()  # results unsubscribe when they are collected, for which the server has to be there
    gc.collect()


def test_a_program_of_its_own_sends_tasks(shop: Shop) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SEND],
        cwd=ROOT,
        env=environ_with(
            {
                "BAO_ADDR": shop.bao.url,
                "BAO_TOKEN": shop.bao.root_token,
                "SECRETSOURCE_CHAIN": "vault",
                "REDIS": f"redis://{LOOPBACK}:{shop.world.server.port}",
            }
        ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ("bill for order 7\n", 0) == (done.stdout, done.returncode), done.stderr
