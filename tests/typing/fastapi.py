"""What a typed FastAPI application writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, assert_type

from fastapi import FastAPI

from secretsource import BackendUnavailable, MaskedStr, Store
from secretsource.integrations.fastapi import FromSecret, backend_unavailable, secrets_lifespan
from secretsource.testing import MemoryResolver

store = Store([MemoryResolver()])
ApiKey = Annotated[str, FromSecret("pepipost/api_key")]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    yield {"pool": "x"}


FastAPI(lifespan=secrets_lifespan(["pepipost/api_key"]))
app = FastAPI(
    dependencies=[FromSecret("pepipost/api_key", store=store)],
    lifespan=secrets_lifespan(["pepipost/api_key"], lifespan, store=store, timeout=5),
    exception_handlers={BackendUnavailable: backend_unavailable},
)
app.add_exception_handler(BackendUnavailable, backend_unavailable)
app.dependency_overrides[FromSecret("pepipost/api_key").dependency] = lambda: "test"


@app.get("/")
async def index(
    key: ApiKey,
    masked: Annotated[MaskedStr, FromSecret("stripe_key")],
    as_default: str = FromSecret("stripe_key"),
) -> str:
    assert_type(key, str)
    assert_type(masked, MaskedStr)
    assert_type(as_default, str)
    return key


FromSecret(1)  # type: ignore[arg-type]
FromSecret("pepipost/api_key", store)  # type: ignore[call-arg]
