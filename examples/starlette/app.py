"""The application: it says how long the key of its mail service is, and which old keys it still takes."""

from starlette.applications import Starlette
from starlette.datastructures import CommaSeparatedStrings
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from secretsource import BackendUnavailable, aget_secret
from secretsource.integrations.starlette import SecretConfig, backend_unavailable, secrets_lifespan

config = SecretConfig(secrets={"OLD_KEYS": "shop/old_keys"})


async def index(_request: Request) -> JSONResponse:
    key = await aget_secret("pepipost/api_key")
    old_keys = config("OLD_KEYS", cast=CommaSeparatedStrings, default="")
    return JSONResponse({"key": len(key), "old keys": len(old_keys)})


app = Starlette(
    routes=[Route("/", index)],
    lifespan=secrets_lifespan(["pepipost/api_key"]),
    exception_handlers={BackendUnavailable: backend_unavailable},
)
