"""What a typed Starlette application writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypedDict, assert_type

from starlette.applications import Starlette
from starlette.datastructures import CommaSeparatedStrings, Secret

from secretsource import BackendUnavailable, Store
from secretsource.integrations.starlette import SecretConfig, backend_unavailable, secrets_lifespan
from secretsource.testing import MemoryResolver

store = Store([MemoryResolver()])


class State(TypedDict):
    pool: str


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[State]:
    yield {"pool": "x"}


@asynccontextmanager
async def without_state(app: Starlette) -> AsyncIterator[None]:
    yield


assert_type(
    secrets_lifespan(["pepipost/api_key"], lifespan),
    Callable[[Starlette], AbstractAsyncContextManager[State]],
)
assert_type(
    secrets_lifespan(["pepipost/api_key"], store=store, timeout=5),
    Callable[[object], AbstractAsyncContextManager[None]],
)

Starlette(lifespan=secrets_lifespan(["pepipost/api_key"]))
Starlette(lifespan=secrets_lifespan(["pepipost/api_key"], lifespan))
app = Starlette(
    lifespan=secrets_lifespan(["pepipost/api_key"], without_state),
    exception_handlers={BackendUnavailable: backend_unavailable},
)
app.add_exception_handler(BackendUnavailable, backend_unavailable)

config = SecretConfig(".env", env_prefix="APP_", secrets={"APP_KEY": "pepipost/api_key"}, store=store)
assert_type(config("KEY"), str)
assert_type(config("KEY", cast=Secret), Secret)
assert_type(config("KEY", cast=CommaSeparatedStrings), CommaSeparatedStrings)
assert_type(config("DEBUG", cast=bool, default=False), bool)

SecretConfig()  # type: ignore[call-arg]
secrets_lifespan([1])  # type: ignore[list-item]
