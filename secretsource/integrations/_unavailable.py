"""What the client of a Starlette or FastAPI application is told while a secret cannot be read: to try again later."""

from __future__ import annotations

from typing import Any, Final

from secretsource.integrations._needs import needs
from secretsource.integrations._outage import log_outage

with needs("Starlette", extra="starlette"):
    from starlette.responses import JSONResponse
    from starlette.websockets import WebSocket, WebSocketState

__all__ = ["backend_unavailable"]

_TRY_AGAIN_LATER: Final = 1013


async def backend_unavailable(connection: Any, error: Exception) -> Any:
    """Answer 503, with nothing in it about secrets.

        app.add_exception_handler(BackendUnavailable, backend_unavailable)

    Without it, an outage is the framework's 500, as every exception that nobody handles. A denial and a missing secret
    should stay that: to try again does not help there. The body is ``{"detail": "Service Unavailable"}``, and
    ``Retry-After`` is sent where the backend said how long it needs. A WebSocket is refused with 503 where the server
    can, else closed with the code 1013. The error itself is logged as an ERROR of the logger ``secretsource``.

    Args:
        connection: The request or WebSocket.
        error: What was raised.

    Returns:
        The response; `None` for a WebSocket.
    """
    seconds = log_outage(error)
    headers = None if seconds is None else {"Retry-After": str(seconds)}
    response = JSONResponse({"detail": "Service Unavailable"}, status_code=503, headers=headers)
    if not isinstance(connection, WebSocket):
        return response
    is_open = connection.application_state is WebSocketState.CONNECTED
    if not is_open and "websocket.http.response" in connection.scope.get("extensions", {}):
        await connection.send_denial_response(response)
    elif connection.application_state is not WebSocketState.DISCONNECTED:
        await connection.close(_TRY_AGAIN_LATER)
    return None
