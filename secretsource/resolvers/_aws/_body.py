"""Bodies over connections of botocore: read until the deadline, and up to a limit, and no further."""

from __future__ import annotations

import urllib3

from secretsource._deadline import Deadline
from secretsource.errors import Reason, resolver_error
from secretsource.resolvers._http import timeout_of

__all__ = ["read_body"]

_CHUNK = 64 * 1024


def read_body(response: urllib3.BaseHTTPResponse, *, limit: int, deadline: Deadline) -> bytes:
    """Read the body of a response that was opened with ``preload_content=False``.

    Args:
        response: The response; its connection goes back to the pool, or is closed when the body is not read to its end.
        limit: The most bytes that are accepted; more is not read.
        deadline: When the body must be complete, however slowly it comes.

    Raises:
        InvalidResponse: The body is longer than *limit*.
        BackendUnavailable: The deadline is over (``reason="timeout"``).
    """
    body = bytearray()
    complete = False
    try:
        while chunk := _next_chunk(response, deadline):
            body += chunk
            if len(body) > limit:
                raise resolver_error(Reason.BROKEN, f"more than {limit} bytes")
            if deadline.expired:
                raise resolver_error(Reason.TIMEOUT)
        complete = True
    finally:
        response.release_conn() if complete else response.close()
    return bytes(body)


def _next_chunk(response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
    """Wait for the next bytes until the deadline at most: the timeout of the request counts anew for each read."""
    sock = getattr(response.connection, "sock", None)
    if sock is not None:
        sock.settimeout(timeout_of(deadline))
    return response.read1(_CHUNK)
