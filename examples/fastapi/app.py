"""The application: it takes notices of payments, and only those that are signed with the key they share."""

import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request

from secretsource import BackendUnavailable
from secretsource.integrations.fastapi import FromSecret, backend_unavailable, secrets_lifespan

WebhookKey = Annotated[str, FromSecret("stripe/webhook_key")]

app = FastAPI(
    lifespan=secrets_lifespan(["stripe/webhook_key"]),
    exception_handlers={BackendUnavailable: backend_unavailable},
)


async def signed_body(request: Request, key: WebhookKey, x_signature: Annotated[str, Header()]) -> bytes:
    body = await request.body()
    wanted = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, x_signature):
        raise HTTPException(401, "the signature is wrong")
    return body


@app.post("/payments")
async def payments(body: Annotated[bytes, Depends(signed_body)]) -> str:
    return f"taken, {len(body)} bytes"
