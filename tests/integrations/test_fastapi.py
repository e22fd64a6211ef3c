"""Endpoints of a FastAPI application get secrets as dependencies."""

import asyncio
import importlib
import math
import secrets as random
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from secretsource import (
    BackendUnavailable,
    InvalidReference,
    InvalidValue,
    MaskedStr,
    MissingDependency,
    Store,
    configure,
)
from secretsource.integrations.fastapi import FromSecret, backend_unavailable, secrets_lifespan
from secretsource.testing import MemoryResolver, override

NAME = "pepipost/api_key"
ApiKey = Annotated[str, FromSecret(NAME)]


@pytest.fixture
def canary() -> str:
    return random.token_hex(8)


@pytest.fixture
def memory(canary: str) -> MemoryResolver:
    memory = MemoryResolver({NAME: canary})
    configure(chain=[memory])
    return memory


def test_an_endpoint_gets_the_value(memory: MemoryResolver, canary: str) -> None:
    app = FastAPI()

    @app.get("/coroutine")
    async def coroutine(key: ApiKey) -> dict[str, bool]:
        return {"right": key == canary, "masked": isinstance(key, MaskedStr)}

    @app.get("/thread")
    def in_thread(key: ApiKey) -> dict[str, bool]:
        return {"right": key == canary, "masked": isinstance(key, MaskedStr)}

    with TestClient(app) as client:
        for path in ("/coroutine", "/thread"):
            assert {"right": True, "masked": True} == client.get(path).json()
    assert ["pepipost"] == memory.calls, "the second one is read from the cache"


def test_a_value_may_be_a_default_or_typed_as_masked(memory: MemoryResolver, canary: str) -> None:
    app = FastAPI()

    @app.get("/")
    async def index(typed: Annotated[MaskedStr, FromSecret(NAME)], old: str = FromSecret(NAME)) -> bool:
        return old == typed == canary

    with TestClient(app) as client:
        assert client.get("/").json() is True


def test_other_dependencies_routers_and_the_whole_application_get_it(
    memory: MemoryResolver, canary: str
) -> None:
    seen = []

    async def client_of(key: ApiKey) -> str:
        return f"client with {len(key)}"

    async def note(key: ApiKey) -> None:
        seen.append(key)

    router = APIRouter(prefix="/mails", dependencies=[FromSecret(NAME)])

    @router.get("/")
    async def index(client: Annotated[str, Depends(client_of)]) -> str:
        return client

    app = FastAPI(dependencies=[Depends(note)])
    app.include_router(router)
    with TestClient(app) as client:
        assert "client with 16" == client.get("/mails/").json()
    assert [canary] == seen


def test_a_request_has_one_value_of_a_name() -> None:
    app = FastAPI()

    async def other(key: Annotated[str, FromSecret(NAME)]) -> str:
        return key

    @app.get("/")
    async def index(
        key: Annotated[str, FromSecret(NAME)], again: Annotated[str, Depends(other)]
    ) -> list[str]:
        return [key, again]

    with override() as overrides, TestClient(app) as client:
        overrides.script(NAME, "first", "second", "third")
        assert [["first", "first"], ["second", "second"]] == [client.get("/").json(), client.get("/").json()]


def test_a_store_of_the_applications_own_is_read(canary: str) -> None:
    app = FastAPI()
    own, other = Store([MemoryResolver({NAME: canary})]), Store([MemoryResolver({NAME: "other"})])

    @app.get("/")
    async def index(
        one: Annotated[str, FromSecret(NAME, store=own)], two: Annotated[str, FromSecret(NAME, store=other)]
    ) -> list[bool]:
        return [one == canary, two == "other"]

    with override({NAME: "not asked"}), TestClient(app) as client:
        assert [True, True] == client.get("/").json()


def test_a_cached_read_stays_in_the_thread_of_the_loop(memory: MemoryResolver) -> None:
    read = FromSecret(NAME).dependency

    async def run() -> None:
        await read()
        threads = threading.active_count()
        coroutine = read()
        with pytest.raises(StopIteration) as ended:  # nothing that it waits for
            coroutine.send(None)
        assert isinstance(ended.value.value, MaskedStr)
        assert threads == threading.active_count()

    asyncio.run(run())


def test_a_crowd_that_finds_an_empty_cache_makes_one_call(memory: MemoryResolver, canary: str) -> None:
    app = FastAPI()
    turns = []

    @app.get("/coroutine")
    async def coroutine(key: ApiKey) -> bool:
        return key == canary

    @app.get("/thread")
    def in_thread(key: ApiKey) -> bool:
        return key == canary

    @app.get("/other")
    async def other() -> str:
        turns.append(len(memory.calls))
        return "answered meanwhile"

    async def run() -> list[Any]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            with memory.held() as gate:
                crowd = [
                    asyncio.create_task(client.get(path))
                    for path in ("/coroutine", "/thread")
                    for _ in range(25)
                ]
                await asyncio.to_thread(gate.wait_for)
                assert "answered meanwhile" == (await client.get("/other")).json()
                assert [] == [each for each in crowd if each.done()]
                gate.release()
                return [each.json() for each in await asyncio.gather(*crowd)]

    assert [True] * 50 == asyncio.run(run())
    assert ["pepipost"] == memory.calls
    assert [1] == turns


def test_neither_clients_nor_the_schema_see_a_secret(memory: MemoryResolver, canary: str) -> None:
    app = FastAPI(dependencies=[FromSecret(NAME)])

    @app.get("/")
    async def index(key: ApiKey, page: int = 1) -> bool:
        return key == canary

    schema = app.openapi()
    assert ["page"] == [each["name"] for each in schema["paths"]["/"]["get"]["parameters"]]
    assert "pepipost" not in str(schema)
    with TestClient(app) as client:
        assert client.get("/", params={"key": "mine"}).json() is True
        wrong = client.get("/", params={"page": "no number"})
        assert 422 == wrong.status_code
        assert canary not in wrong.text


def test_a_response_that_does_not_fit_its_model_shows_no_value(memory: MemoryResolver, canary: str) -> None:
    app = FastAPI()

    @app.get("/", response_model=int)
    async def index(key: ApiKey) -> Any:
        return key

    with TestClient(app) as client, pytest.raises(Exception) as caught:
        client.get("/")
    assert "ResponseValidationError" == type(caught.value).__name__
    assert canary not in f"{caught.value} {caught.value!r}"


def test_an_override_answers_in_tests(memory: MemoryResolver) -> None:
    app = FastAPI()

    @app.get("/")
    async def index(key: ApiKey) -> str:
        return key

    with TestClient(app) as client, override({NAME: "test-key"}):
        assert "test-key" == client.get("/").json()
    app.dependency_overrides[FromSecret(NAME).dependency] = lambda: "another test-key"
    with TestClient(app) as client:
        assert "another test-key" == client.get("/").json()
    assert [] == memory.calls


def test_readers_of_one_name_and_store_are_equal() -> None:
    store = Store([MemoryResolver()])
    one = FromSecret(NAME).dependency
    assert one == FromSecret(NAME).dependency
    assert one != FromSecret(NAME, store=store).dependency
    assert 1 == len({one, FromSecret(NAME).dependency})
    assert 3 == len({one, FromSecret("stripe_key").dependency, FromSecret(NAME, store=store).dependency})
    assert "FromSecret('pepipost/api_key')" == repr(one)


def test_a_name_that_breaks_the_grammar_is_told_where_it_is_written() -> None:
    with pytest.raises(InvalidReference):
        FromSecret("pepipost//key")


def test_errors_tell_the_client_nothing() -> None:
    app = FastAPI()

    @app.get("/")
    async def index(key: ApiKey) -> None: ...

    with override() as overrides, TestClient(app, raise_server_exceptions=False) as client:
        missing = client.get("/")
        overrides.fail("timeout")
        late = client.get("/")
        app.add_exception_handler(BackendUnavailable, backend_unavailable)
        app.middleware_stack = None
        answered = client.get("/")
    assert [(500, "Internal Server Error")] * 2 == [(each.status_code, each.text) for each in (missing, late)]
    assert (503, {"detail": "Service Unavailable"}) == (answered.status_code, answered.json())


@pytest.mark.parametrize("seconds", [math.inf, -math.inf, math.nan])
def test_a_wait_that_is_no_number_of_seconds_is_not_sent(seconds: float) -> None:
    app = FastAPI(exception_handlers={BackendUnavailable: backend_unavailable})

    @app.get("/")
    async def index(key: ApiKey) -> None: ...

    with override() as overrides, TestClient(app) as client:
        overrides.fail("throttled", retry_after=seconds)
        answer = client.get("/")
    assert 503 == answer.status_code
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("own", [False, True])
def test_a_binary_secret_is_500_and_an_error_that_names_it(own: bool) -> None:
    value = b"\xff" + random.token_bytes(8)
    store = Store([MemoryResolver({NAME: value})]) if own else None
    app = FastAPI()

    @app.get("/", dependencies=[FromSecret(NAME, store=store)])
    async def index() -> None: ...

    with override({NAME: value}):
        with TestClient(app, raise_server_exceptions=False) as client:
            answer = client.get("/")
        with TestClient(app) as client, pytest.raises(InvalidValue, match="'pepipost/api_key' is binary"):
            client.get("/")
    assert (500, "Internal Server Error") == (answer.status_code, answer.text)


def test_a_websocket_gets_the_value_and_is_refused_in_an_outage(canary: str) -> None:
    app = FastAPI(exception_handlers={BackendUnavailable: backend_unavailable})

    @app.websocket("/")
    async def socket(websocket: WebSocket, key: ApiKey) -> None:
        await websocket.accept()
        await websocket.send_json(key == canary)
        await websocket.close()

    with override({NAME: canary}) as overrides, TestClient(app) as client:
        with client.websocket_connect("/") as connection:
            assert connection.receive_json() is True
        overrides.fail("refused")
        with pytest.raises((WebSocketDisconnect, Exception)) as caught, client.websocket_connect("/"):
            pass
    assert 503 == getattr(caught.value, "status_code", None)


def test_background_tasks_use_it_after_the_answer(memory: MemoryResolver, canary: str) -> None:
    app, sent = FastAPI(), []

    @app.post("/")
    async def queue(key: ApiKey, tasks: BackgroundTasks) -> str:
        tasks.add_task(sent.append, key)
        return "queued"

    with TestClient(app) as client:
        assert "queued" == client.post("/").json()
    assert [canary] == sent


def test_secrets_are_read_before_the_first_request_beside_the_applications_own_lifespan(
    memory: MemoryResolver,
) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"calls": list(memory.calls), "title": app.title}

    app = FastAPI(title="Mails", lifespan=secrets_lifespan([NAME], lifespan))

    @app.get("/")
    async def index(request: Request, key: ApiKey) -> list[Any]:
        return [request.state.calls, request.state.title, memory.calls]

    with TestClient(app) as client:
        assert [["pepipost"], "Mails", ["pepipost"]] == client.get("/").json()


def test_without_the_framework_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    for module in [each for each in sys.modules if each.startswith("secretsource.integrations.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(MissingDependency, match=r"secretsource\[fastapi\]"):
        importlib.import_module("secretsource.integrations.fastapi")
