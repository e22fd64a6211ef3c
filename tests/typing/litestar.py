"""What a typed Litestar application writes."""

from __future__ import annotations

from typing import Any, assert_type

from litestar import Litestar, Response, get
from litestar.connection import Request
from litestar.di import NamedDependency, Provide

from secretsource import BackendUnavailable, Store
from secretsource.integrations.litestar import SecretSourcePlugin, backend_unavailable, provide_secret
from secretsource.testing import MemoryResolver

store = Store([MemoryResolver()])


@get("/", dependencies={"key": provide_secret("pepipost/api_key", store=store)})
async def index(key: NamedDependency[str]) -> int:
    assert_type(key, str)
    return len(key)


assert_type(provide_secret("pepipost/api_key"), Provide)
app = Litestar(
    [index],
    plugins=[
        SecretSourcePlugin(
            {"stripe_key": "stripe_key"}, prefetch=["pepipost/api_key"], store=store, timeout=5
        )
    ],
    exception_handlers={BackendUnavailable: backend_unavailable},
)


def handle(request: Request[Any, Any, Any]) -> None:
    assert_type(backend_unavailable(request, BackendUnavailable()), Response[dict[str, Any]])


SecretSourcePlugin(["pepipost/api_key"])  # type: ignore[arg-type]
provide_secret(1)  # type: ignore[arg-type]
