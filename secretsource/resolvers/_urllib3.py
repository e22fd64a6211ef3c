"""What the resolvers that speak HTTP through urllib3 (hvac's requests included) share: reasons and bounded bodies."""

from __future__ import annotations

import http.client
import socket
import ssl

import urllib3
from urllib3 import exceptions

from secretsource._deadline import Deadline
from secretsource.errors import Reason, resolver_error

__all__ = ["MAX_BODY_OVERHEAD", "read_body", "reason_of"]

MAX_BODY_OVERHEAD = 64 * 1024  # what a protocol may wrap around a value of the largest size
_CHUNK = 64 * 1024
_SHORTEST = 0.05  # seconds; a timeout of 0 would mean "do not block"
_LONGEST = 3600.0  # seconds, for a deadline that never ends

# The first class that matches decides, so the special ones stand before their bases.
REASONS: tuple[tuple[type[BaseException], Reason], ...] = (
    (exceptions.NameResolutionError, Reason.DNS),
    (exceptions.NewConnectionError, Reason.REFUSED),  # for compatibility, urllib3 calls it a timeout too
    (socket.gaierror, Reason.DNS),
    (exceptions.SSLError, Reason.TLS),
    (ssl.SSLError, Reason.TLS),
    (ssl.CertificateError, Reason.TLS),
    (exceptions.IncompleteRead, Reason.BROKEN),
    (http.client.IncompleteRead, Reason.BROKEN),
    (exceptions.InvalidChunkLength, Reason.BROKEN),
    (exceptions.DecodeError, Reason.BROKEN),
    (http.client.RemoteDisconnected, Reason.REFUSED),
    (http.client.HTTPException, Reason.BROKEN),
    (exceptions.TimeoutError, Reason.TIMEOUT),
    (TimeoutError, Reason.TIMEOUT),
    (exceptions.HTTPError, Reason.REFUSED),
    (OSError, Reason.REFUSED),
)


def reason_of(error: BaseException) -> Reason:
    """Return the reason behind an exception of urllib3, of requests or of the socket, however it is wrapped.

    The wrappers are followed inwards, and the first telling reason wins: a refused connection inside a
    ``MaxRetryError`` is `REFUSED`, a certificate that does not verify is `TLS`.
    """
    found = Reason.REFUSED
    for inner in _unwrapped(error):
        reason = next((reason for kind, reason in REASONS if isinstance(inner, kind)), None)
        if reason in {Reason.TLS, Reason.DNS, Reason.BROKEN, Reason.TIMEOUT}:
            return reason
    return found


def _unwrapped(error: BaseException) -> list[BaseException]:
    seen: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        inner = queue.pop(0)
        if isinstance(inner, BaseException) and inner not in seen:
            seen.append(inner)
            queue += [getattr(inner, "reason", None), inner.__cause__, inner.__context__, *inner.args]
    return seen


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
        sock.settimeout(min(max(deadline.remaining, _SHORTEST), _LONGEST))
    return response.read1(_CHUNK)
