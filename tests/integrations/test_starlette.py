"""A Starlette application reads its secrets before the first request, and its settings may be secrets."""

from __future__ import annotations

import asyncio
import importlib
import logging
import math
import secrets as random
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.config import Config
from starlette.datastructures import CommaSeparatedStrings, Secret
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    InvalidReference,
    InvalidValue,
    MissingDependency,
    SecretNotFound,
    Store,
    aget_secret,
    configure,
    default_store,
    get_secret,
)
from secretsource.integrations.starlette import SecretConfig, backend_unavailable, secrets_lifespan
from secretsource.testing import MemoryResolver, override

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
    return Closing({NAME: canary, "stripe_key": "s", "db/primary": {"user": "u", "password": "p"}})


def failed_start(app: Starlette) -> tuple[Exception, str]:
    """Start *app* as a server does; return what it raises, and what the server is told to log."""
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def start() -> None:
        await app({"type": "lifespan", "app": app, "state": {}}, receive, send)

    with pytest.raises(Exception) as caught:  # the TestClient of older ones leaves streams open then
        asyncio.run(start())
    assert ["lifespan.startup.failed"] == [each["type"] for each in sent]
    return caught.value, sent[0]["message"]


# The lifespan


def test_secrets_are_read_before_the_first_request_and_the_store_is_closed_after_the_last(
    memory: Closing,
) -> None:
    app = Starlette(lifespan=secrets_lifespan([NAME, "stripe_key"], store=Store([memory])))
    assert [] == memory.calls
    with TestClient(app):
        assert ["pepipost", "stripe_key"] == sorted(memory.calls)
        assert 0 == memory.closed
    assert 1 == memory.closed


def test_the_application_starts_again_after_its_end(memory: Closing, canary: str) -> None:
    app = Starlette(lifespan=secrets_lifespan([NAME], store=Store([memory])))
    for _ in range(2):
        with TestClient(app):
            pass
    assert (2, 2) == (len(memory.calls), memory.closed)


def test_the_process_wide_store_of_the_moment_is_read_and_closed(memory: Closing) -> None:
    app = Starlette(lifespan=secrets_lifespan([NAME]))
    configure(chain=[MemoryResolver()])
    configure(chain=[memory])
    with TestClient(app):
        assert ["pepipost"] == memory.calls
        replacing = Closing({NAME: "x"})
        configure(chain=[replacing])
        assert 1 == memory.closed
    assert (1, 1) == (memory.closed, replacing.closed)


def test_an_override_answers_the_lifespan_too(memory: Closing) -> None:
    configure(chain=[memory])
    with override({NAME: "test"}), TestClient(Starlette(lifespan=secrets_lifespan([NAME]))):
        pass
    assert [] == memory.calls


def test_an_application_with_secrets_missing_does_not_start_and_all_are_named(memory: Closing) -> None:
    app = Starlette(lifespan=secrets_lifespan(["not/there", NAME, "nor/here"], store=Store([memory])))
    error, logged = failed_start(app)
    assert isinstance(error, SecretNotFound)
    assert "'not/there' was not found" in logged
    assert "'nor/here' was not found" in logged
    assert 1 == memory.closed


def test_an_application_with_a_wrong_configuration_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETSOURCE_CHAIN", "nobody")
    error, _ = failed_start(Starlette(lifespan=secrets_lifespan([NAME])))
    assert isinstance(error, ConfigError)
    assert None is error.__context__


def test_what_the_server_logs_of_a_failed_start_has_no_value(memory: Closing, canary: str) -> None:
    memory.deny("stripe_key")
    error, logged = failed_start(
        Starlette(lifespan=secrets_lifespan([NAME, "stripe_key"], store=Store([memory])))
    )
    assert isinstance(error, AccessDenied)
    assert "'stripe_key': memory at stripe_key: access denied" in logged
    assert canary not in logged


@pytest.mark.parametrize("names", ["pepipost/api_key", ["pepipost//key"]])
def test_names_that_are_none_are_told_when_the_application_is_built(names: Any) -> None:
    with pytest.raises(InvalidReference):
        secrets_lifespan(names)


def test_the_lifespan_of_the_application_finds_the_secrets_there_and_ends_before_the_store(
    memory: Closing,
) -> None:
    store, order = Store([memory]), []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        order.append(("begins", len(memory.calls), isinstance(app, Starlette)))
        yield {"pool": "the pool"}
        order.append(("ends", memory.closed, True))

    async def show(request: Request) -> Response:
        return PlainTextResponse(request.state.pool)

    app = Starlette(routes=[Route("/", show)], lifespan=secrets_lifespan([NAME], lifespan, store=store))
    with TestClient(app) as client:
        assert "the pool" == client.get("/").text
    assert [("begins", 1, True), ("ends", 0, True)] == order
    assert 1 == memory.closed


def test_the_store_is_closed_if_the_lifespan_of_the_application_fails(memory: Closing) -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        raise ZeroDivisionError
        yield

    app = Starlette(lifespan=secrets_lifespan([NAME], lifespan, store=Store([memory])))
    assert isinstance(failed_start(app)[0], ZeroDivisionError)
    assert 1 == memory.closed


def test_a_slow_end_does_not_block_the_event_loop() -> None:
    class Slow(Closing):
        def close(self) -> None:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), loops[0]).result(
                5
            )  # needs the loop to go on
            super().close()

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        async with secrets_lifespan([NAME], store=Store([slow]))(None):
            pass

    loops: list[asyncio.AbstractEventLoop] = []
    slow = Slow({NAME: "x"})
    asyncio.run(run())
    assert 1 == slow.closed


def test_the_start_has_a_deadline(memory: Closing) -> None:
    app = Starlette(lifespan=secrets_lifespan([NAME], store=Store([memory]), timeout=0.05))
    started = time.monotonic()
    with memory.held():
        assert isinstance(failed_start(app)[0], BackendUnavailable)
    assert 5 > time.monotonic() - started, "the store's own deadline is 10 s"


# Outages


def endpoint(name: str) -> Callable[[Request], Any]:
    async def show(request: Request) -> Response:
        return PlainTextResponse(str(len(await aget_secret(name))))

    return show


async def socket(websocket: WebSocket) -> None:
    if websocket.url.path == "/late":
        await websocket.accept()
    await aget_secret(NAME)
    if websocket.url.path == "/early":
        await websocket.accept()
    await websocket.send_text("read")
    await websocket.close()


@pytest.fixture
def app() -> Starlette:
    return Starlette(
        routes=[
            Route("/", endpoint(NAME)),
            WebSocketRoute("/early", socket),
            WebSocketRoute("/late", socket),
        ],
        exception_handlers={BackendUnavailable: backend_unavailable},
    )


def test_an_outage_is_503_and_tells_the_client_nothing(
    app: Starlette, caplog: pytest.LogCaptureFixture
) -> None:
    with override({NAME: "x"}) as overrides, TestClient(app) as client:
        assert "1" == client.get("/").text
        overrides.fail("throttled", retry_after=2.5)
        with caplog.at_level(logging.ERROR, logger="secretsource"):
            answer = client.get("/")
    assert (503, "3", {"detail": "Service Unavailable"}) == (
        answer.status_code,
        answer.headers["Retry-After"],
        answer.json(),
    )
    assert "answered 503: BackendUnavailable: 'pepipost/api_key'" in caplog.text


def test_an_outage_of_which_nobody_knows_the_end_has_no_retry_after(app: Starlette) -> None:
    with override() as overrides, TestClient(app) as client:
        overrides.fail("refused")
        answer = client.get("/")
    assert 503 == answer.status_code
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("seconds", [math.inf, -math.inf, math.nan])
def test_a_wait_that_is_no_number_of_seconds_is_not_sent(app: Starlette, seconds: float) -> None:
    with override() as overrides, TestClient(app) as client:
        overrides.fail("throttled", retry_after=seconds)
        answer = client.get("/")
    assert 503 == answer.status_code
    assert "Retry-After" not in answer.headers


def test_a_denial_and_a_missing_secret_are_500_and_tell_the_client_nothing(app: Starlette) -> None:
    with override() as overrides, TestClient(app, raise_server_exceptions=False) as client:
        answers = [client.get("/")]
        overrides.deny()
        answers.append(client.get("/"))
    assert [(500, "Internal Server Error")] * 2 == [(each.status_code, each.text) for each in answers]


@pytest.mark.parametrize("path", ["/early", "/late"])
def test_a_websocket_reads_secrets(app: Starlette, path: str) -> None:
    with override({NAME: "x"}), TestClient(app).websocket_connect(path) as connection:
        assert "read" == connection.receive_text()


def test_a_websocket_is_refused_with_503_in_an_outage(app: Starlette) -> None:
    with override() as overrides:
        overrides.fail("refused")
        with pytest.raises(Exception) as caught, TestClient(app).websocket_connect("/early"):
            pass
    assert 503 == getattr(caught.value, "status_code", None)


def test_a_websocket_that_is_open_is_closed_in_an_outage(app: Starlette) -> None:
    with override() as overrides:
        overrides.fail("refused")
        with TestClient(app).websocket_connect("/late") as connection:
            with pytest.raises(WebSocketDisconnect) as caught:
                connection.receive_text()
    assert 1013 == caught.value.code


def test_a_websocket_is_closed_where_the_server_cannot_refuse_it(app: Starlette) -> None:
    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> dict[str, str]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "websocket", "path": "/early", "headers": [], "query_string": b"", "app": app}
        await app(scope, receive, send)

    with override() as overrides:
        overrides.fail("refused")
        asyncio.run(run())
    assert [("websocket.close", 1013)] == [(each["type"], each["code"]) for each in sent]


def test_the_debug_page_shows_no_value(canary: str) -> None:
    async def broken(request: Request) -> Response:
        key = await aget_secret(NAME)
        raise RuntimeError(f"with {key!r}")

    app = Starlette(debug=True, routes=[Route("/", broken)])
    with override({NAME: canary}), TestClient(app, raise_server_exceptions=False) as client:
        page = client.get("/", headers={"Accept": "text/html"})
    assert "with MaskedStr" in page.text
    assert canary not in page.text


def test_background_tasks_read_secrets(canary: str) -> None:
    sent = []

    async def send() -> None:
        sent.append(await aget_secret(NAME))

    async def show(request: Request) -> Response:
        return PlainTextResponse("queued", background=BackgroundTask(send))

    with override({NAME: canary}), TestClient(Starlette(routes=[Route("/", show)])) as client:
        assert "queued" == client.get("/").text
    assert [canary] == sent


# Settings


def test_a_setting_is_a_secret_of_the_store(memory: Closing, canary: str) -> None:
    config = SecretConfig(environ={}, secrets={"PEPIPOST_KEY": NAME}, store=Store([memory]))
    assert [] == memory.calls
    assert canary == config("PEPIPOST_KEY")
    assert canary == config.get("PEPIPOST_KEY")
    assert isinstance(config, Config)


def test_the_other_settings_are_of_the_variables_and_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=file\nB=file\nAPP_B=prefixed\nPEPIPOST_KEY=file\n")
    variables = {"A": "variable", "PEPIPOST_KEY": "variable", "APP_PEPIPOST_KEY": "variable"}
    with override({NAME: "of the store"}):
        config = SecretConfig(file, variables, secrets={"PEPIPOST_KEY": NAME})
        assert ["variable", "file", "default", "of the store"] == [
            config("A"),
            config("B"),
            config("C", default="default"),
            config("PEPIPOST_KEY"),
        ]
        prefixed = SecretConfig(file, variables, "APP_", secrets={"APP_PEPIPOST_KEY": NAME})
        assert ["prefixed", "of the store"] == [prefixed("B"), prefixed("PEPIPOST_KEY")]
        with pytest.raises(KeyError):
            config("C")


def test_a_setting_is_cast() -> None:
    values = {"a/key": "one, two", "a/flag": "True", "a/count": "12"}
    with override(values):
        config = SecretConfig(environ={}, secrets={"KEY": "a/key", "FLAG": "a/flag", "COUNT": "a/count"})
        assert ["one", "two"] == list(config("KEY", cast=CommaSeparatedStrings))
        assert "one, two" == str(config("KEY", cast=Secret))
        assert "Secret('**********')" == repr(config("KEY", cast=Secret))
        assert (True, 12) == (config("FLAG", cast=bool), config("COUNT", cast=int))


def test_a_default_stands_for_a_secret_that_is_not_there_and_never_for_an_error() -> None:
    config = SecretConfig(environ={}, secrets={"KEY": "a/key"})
    with override() as overrides:
        assert ("default", 7) == (config("KEY", default="default"), config("KEY", cast=int, default="7"))
        assert None is config("KEY", cast=Secret, default=None)
        with pytest.raises(SecretNotFound):
            config("KEY")
        overrides.deny()
        with pytest.raises(AccessDenied):
            config("KEY", default="default")


def test_a_setting_with_a_binary_secret_is_an_error_that_names_it() -> None:
    config = SecretConfig(environ={}, secrets={"KEY": "a/key"})
    with override({"a/key": b"\xff" + random.token_bytes(8)}):
        for options in ({}, {"cast": Secret}, {"default": "default"}):
            with pytest.raises(InvalidValue, match="'a/key' is binary") as caught:
                config("KEY", **options)
            assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def refuse(text: str) -> str:
    raise TypeError(text)


@pytest.mark.parametrize(("cast", "kind"), [(int, "int"), (bool, "bool"), (refuse, "refuse")])
def test_a_value_that_cannot_be_cast_is_not_shown(canary: str, cast: Any, kind: str) -> None:
    config = SecretConfig(environ={}, env_prefix="APP_", secrets={"APP_KEY": "a/key"})
    with override({"a/key": canary}), pytest.raises(ValueError) as caught:
        config("KEY", cast=cast)
    assert f"Config 'APP_KEY': the secret 'a/key' is not a valid {kind}." == str(caught.value)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_a_config_shows_no_value(canary: str) -> None:
    config = SecretConfig(environ={}, secrets={"KEY": "a/key"})
    with override({"a/key": canary}):
        config("KEY")
        assert canary not in f"{config!r} {vars(config)}"
        assert "MaskedStr('********')" == repr(config("KEY"))


def test_a_setting_with_a_name_that_breaks_the_grammar_is_told_at_once() -> None:
    with pytest.raises(InvalidReference):
        SecretConfig(environ={}, secrets={"KEY": "a//key"})


def test_a_secret_that_is_read_at_the_start_costs_the_requests_nothing(memory: Closing, canary: str) -> None:
    configure(chain=[memory])
    app = Starlette(routes=[Route("/", endpoint(NAME))], lifespan=secrets_lifespan([NAME]))
    with TestClient(app) as client:
        for _ in range(3):
            assert "16" == client.get("/").text
    assert ["pepipost"] == memory.calls
    assert canary == get_secret(NAME) == default_store().get(NAME).value


def test_without_the_framework_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette.config", None)
    for module in [each for each in sys.modules if each.startswith("secretsource.integrations.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(MissingDependency, match=r"secretsource\[starlette\]"):
        importlib.import_module("secretsource.integrations.starlette")
