"""Handlers of a Litestar application get secrets as dependencies, which are read before the first request."""

import asyncio
import contextlib
import importlib
import logging
import math
import secrets as random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

import httpx
import pytest
from litestar import Controller, Litestar, WebSocket, get, post, websocket
from litestar.background_tasks import BackgroundTask
from litestar.di import Provide
from litestar.exceptions import ImproperlyConfiguredException
from litestar.response import Response
from litestar.testing import TestClient

from secretsource import (
    BackendUnavailable,
    InvalidReference,
    InvalidValue,
    MaskedStr,
    MissingDependency,
    Store,
    configure,
)
from secretsource.integrations.litestar import SecretSourcePlugin, backend_unavailable, provide_secret
from secretsource.testing import MemoryResolver, override

T = TypeVar("T")

try:
    from litestar.di import NamedDependency
except ImportError:  # older ones infer it
    NamedDependency = Annotated[T, ""]

NAME = "pepipost/api_key"


class Closing(MemoryResolver):
    """Counts how often it is closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def canary() -> str:
    return random.token_hex(8)


@pytest.fixture
def memory(canary: str) -> Closing:
    memory = Closing({NAME: canary, "stripe_key": "s"})
    configure(chain=[memory])
    return memory


def started(app: Litestar) -> list[Any]:
    """Start the application as a server does; return what it tells the server."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        scope: Any = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        with contextlib.suppress(Exception):
            await app(scope, receive, send)

    asyncio.run(run())
    return sent


def plugin(**options: Any) -> SecretSourcePlugin:
    return SecretSourcePlugin({"pepipost_key": NAME}, **options)


@get("/coroutine")
async def coroutine(pepipost_key: NamedDependency[str]) -> dict[str, Any]:
    return {"length": len(pepipost_key), "masked": isinstance(pepipost_key, MaskedStr)}


@get("/thread", sync_to_thread=True)
def in_thread(pepipost_key: NamedDependency[str]) -> dict[str, Any]:
    return {"length": len(pepipost_key), "masked": isinstance(pepipost_key, MaskedStr)}


def test_handlers_get_the_value(memory: Closing) -> None:
    with TestClient(Litestar([coroutine, in_thread], plugins=[plugin()])) as client:
        for path in ("/coroutine", "/thread"):
            assert {"length": 16, "masked": True} == client.get(path).json()
    assert ["pepipost"] == memory.calls


def test_secrets_are_read_before_the_first_request_and_the_store_is_closed_after_the_last(
    memory: Closing,
) -> None:
    order = []

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        order.append((sorted(memory.calls), memory.closed))
        yield
        order.append((sorted(memory.calls), memory.closed))

    app = Litestar([coroutine], plugins=[plugin(prefetch=["stripe_key"])], lifespan=[lifespan])
    assert [] == memory.calls
    with TestClient(app):
        pass
    assert [(["pepipost", "stripe_key"], 0)] * 2 == order
    assert 1 == memory.closed


def test_an_application_with_secrets_missing_does_not_start_and_all_are_named(memory: Closing) -> None:
    app = Litestar(plugins=[SecretSourcePlugin({"key": "not/there"}, prefetch=["nor/here"])])
    [failed] = started(app)
    assert "lifespan.startup.failed" == failed["type"]
    assert "'not/there' was not found" in failed["message"]
    assert "'nor/here' was not found" in failed["message"]


def test_a_handler_or_a_controller_may_have_secrets_of_its_own(memory: Closing) -> None:
    class Mails(Controller):
        path = "/mails"
        dependencies = {"key": provide_secret(NAME)}  # noqa: RUF012

        @get("/")
        async def index(self, key: NamedDependency[str]) -> int:
            return len(key)

        @get("/stripe", dependencies={"key": provide_secret("stripe_key")})
        async def stripe(self, key: NamedDependency[str]) -> int:
            return len(key)

    with TestClient(Litestar([Mails])) as client:
        assert [16, 1] == [client.get("/mails").json(), client.get("/mails/stripe").json()]


def test_other_dependencies_get_it(memory: Closing) -> None:
    async def client_of(pepipost_key: NamedDependency[str]) -> str:
        return f"client with {len(pepipost_key)}"

    @get("/", dependencies={"client": Provide(client_of)})
    async def index(client: NamedDependency[str]) -> str:
        return client

    with TestClient(Litestar([index], plugins=[plugin()])) as client:
        assert "client with 16" == client.get("/").text


def test_a_store_of_the_applications_own_is_read_and_closed(canary: str) -> None:
    own = Closing({NAME: canary})

    with (
        override({NAME: "not asked"}),
        TestClient(Litestar([coroutine], plugins=[plugin(store=Store([own]))])) as client,
    ):
        assert 16 == client.get("/coroutine").json()["length"]
    assert (["pepipost"], 1) == (own.calls, own.closed)


def test_an_override_answers_in_tests(memory: Closing) -> None:
    with override({NAME: "test"}), TestClient(Litestar([coroutine], plugins=[plugin()])) as client:
        assert 4 == client.get("/coroutine").json()["length"]
    assert [] == memory.calls


async def test_a_cached_read_stays_in_the_thread_of_the_loop(memory: Closing) -> None:
    provided = provide_secret(NAME)
    await provided()
    coroutine = provided()
    with pytest.raises(StopIteration) as ended:  # nothing that it waits for
        coroutine.send(None)
    assert isinstance(ended.value.value, MaskedStr)


async def test_a_crowd_that_finds_an_empty_cache_makes_one_call(memory: Closing) -> None:
    app = Litestar([coroutine, in_thread], dependencies={"pepipost_key": provide_secret(NAME)})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        with memory.held() as gate:
            crowd = [
                asyncio.create_task(client.get(path)) for path in ("/coroutine", "/thread") for _ in range(25)
            ]
            await asyncio.to_thread(gate.wait_for)
            gate.release()
            answers = [each.json()["length"] for each in await asyncio.gather(*crowd)]
    assert [16] * 50 == answers
    assert ["pepipost"] == memory.calls


def test_neither_clients_nor_the_schema_see_a_secret(memory: Closing) -> None:
    @get("/")
    async def index(pepipost_key: NamedDependency[str]) -> int:
        return len(pepipost_key)

    app = Litestar([index], plugins=[plugin()])
    schema = app.openapi_schema.to_schema()
    assert "parameters" not in schema["paths"]["/"]["get"]
    assert "pepipost" not in str(schema)
    with TestClient(app) as client:
        assert 16 == client.get("/", params={"pepipost_key": "mine"}).json()


@pytest.mark.parametrize("debug", [True, False])
def test_a_value_that_a_handler_cannot_take_is_not_shown(
    memory: Closing, canary: str, caplog: pytest.LogCaptureFixture, debug: bool
) -> None:
    @get("/")
    async def index(pepipost_key: NamedDependency[int]) -> None: ...

    with TestClient(
        Litestar([index], plugins=[plugin()], debug=debug), raise_server_exceptions=False
    ) as client:
        answer = client.get("/")
    assert 500 == answer.status_code
    assert canary not in f"{answer.text} {caplog.text}"


def test_the_debug_page_shows_no_value(memory: Closing, canary: str) -> None:
    @get("/")
    async def index(pepipost_key: NamedDependency[str]) -> None:
        raise RuntimeError(f"with {pepipost_key!r}")

    app = Litestar([index], plugins=[plugin()], debug=True)
    with TestClient(app, raise_server_exceptions=False) as client:
        pages = [client.get("/", headers={"Accept": kind}).text for kind in ("text/html", "application/json")]
    for page in pages:
        assert "with MaskedStr" in page
        assert canary not in page


def test_an_outage_is_503_where_the_application_wants_it(
    memory: Closing, caplog: pytest.LogCaptureFixture
) -> None:
    app = Litestar(
        [coroutine],
        dependencies={"pepipost_key": provide_secret(NAME)},
        exception_handlers={BackendUnavailable: backend_unavailable},
        logging_config=None,
    )
    memory.fail("throttled", retry_after=2.5)
    with caplog.at_level(logging.ERROR, logger="secretsource"), TestClient(app) as client:
        answer = client.get("/coroutine")
    assert (503, "3") == (answer.status_code, answer.headers["Retry-After"])
    assert {"status_code": 503, "detail": "Service Unavailable"} == answer.json()
    assert "answered 503: BackendUnavailable: 'pepipost/api_key'" in caplog.text


@pytest.mark.parametrize("seconds", [math.inf, -math.inf, math.nan])
def test_a_wait_that_is_no_number_of_seconds_is_not_sent(memory: Closing, seconds: float) -> None:
    app = Litestar(
        [coroutine],
        dependencies={"pepipost_key": provide_secret(NAME)},
        exception_handlers={BackendUnavailable: backend_unavailable},
    )
    memory.fail("throttled", retry_after=seconds)
    with TestClient(app) as client:
        answer = client.get("/coroutine")
    assert 503 == answer.status_code
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("own", [False, True])
async def test_a_binary_secret_is_an_error_that_names_it(own: bool) -> None:
    value = b"\xff" + random.token_bytes(8)
    read = provide_secret(NAME, store=Store([MemoryResolver({NAME: value})]) if own else None)
    with override({NAME: value}), pytest.raises(InvalidValue, match="'pepipost/api_key' is binary"):
        await read()


def test_other_errors_are_500_and_tell_the_client_nothing() -> None:
    app = Litestar(
        [coroutine],
        dependencies={"pepipost_key": provide_secret(NAME)},
        exception_handlers={BackendUnavailable: backend_unavailable},
    )
    with override() as overrides, TestClient(app, raise_server_exceptions=False) as client:
        answers = [client.get("/coroutine")]
        overrides.deny()
        answers.append(client.get("/coroutine"))
    assert [500, 500] == [each.status_code for each in answers]
    assert [] == [each.text for each in answers if "pepipost" in each.text]


def test_websockets_and_background_tasks_get_it(memory: Closing, canary: str) -> None:
    sent = []

    @websocket("/socket")
    async def socket(socket: WebSocket[Any, Any, Any], pepipost_key: NamedDependency[str]) -> None:
        await socket.accept()
        await socket.send_json({"right": pepipost_key == canary})
        await socket.close()

    @post("/queue")
    async def queue(pepipost_key: NamedDependency[str]) -> Response[str]:
        return Response("queued", background=BackgroundTask(sent.append, pepipost_key))

    with TestClient(Litestar([socket, queue], plugins=[plugin()])) as client:
        with client.websocket_connect("/socket") as connection:
            assert {"right": True} == connection.receive_json()
        assert 201 == client.post("/queue").status_code
    assert [canary] == sent


def test_a_dependency_of_the_same_name_is_told_when_the_application_is_built() -> None:
    with pytest.raises(ImproperlyConfiguredException, match="pepipost_key"):
        Litestar(
            dependencies={"pepipost_key": Provide(lambda: "mine", sync_to_thread=False)}, plugins=[plugin()]
        )


def test_names_that_are_none_are_told_when_the_plugin_is_made() -> None:
    for make in (
        lambda: SecretSourcePlugin({"key": "a//b"}),
        lambda: SecretSourcePlugin(prefetch=["a//b"]),
        lambda: SecretSourcePlugin(prefetch=NAME),
        lambda: provide_secret("a//b"),
    ):
        with pytest.raises(InvalidReference):
            make()


def test_one_plugin_serves_several_applications_and_shows_names(memory: Closing) -> None:
    shared = plugin()
    for _ in range(2):
        with TestClient(Litestar([coroutine], plugins=[shared])) as client:
            assert 16 == client.get("/coroutine").json()["length"]
    assert "SecretSourcePlugin({'pepipost_key': 'pepipost/api_key'})" == repr(shared)


def test_what_the_server_logs_of_a_failed_start_has_no_value(memory: Closing, canary: str) -> None:
    memory.deny("stripe_key")
    [failed] = started(Litestar([coroutine], plugins=[plugin(prefetch=["stripe_key"])]))
    assert "'stripe_key': memory at stripe_key: access denied" in failed["message"]
    assert canary not in failed["message"]


def test_without_the_framework_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litestar", None)
    for module in [each for each in sys.modules if each.startswith("secretsource.integrations.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(MissingDependency, match=r"secretsource\[litestar\]"):
        importlib.import_module("secretsource.integrations.litestar")
