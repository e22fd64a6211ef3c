"""What botocore does not bound: how long an answer may take in all, and how large it may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import urllib3
from botocore.httpsession import URLLib3Session

from secretsource._deadline import Deadline
from secretsource.resolvers._aws._body import read_body
from secretsource.resolvers._aws._client import CONNECT_TIMEOUT, READ_TIMEOUT
from secretsource.resolvers._aws._connections import secure
from secretsource.resolvers._aws._quiet import current_deadline
from secretsource.resolvers._http import timeout_of
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.client import BaseClient

__all__ = ["Body", "BoundedSession", "bound", "limit_connects", "limit_reads"]

_ESCAPES = 2  # how much base64 or the escapes of JSON may swell a value


class BoundedSession:
    """Stands before botocore's HTTP session: the same connections, TLS and proxies, but answers are read by us.

    botocore reads an answer to its end, however large it is and however slowly it comes. Here the deadline of the call
    bounds the wait for the connection, for each byte and for all of them, and a body beyond the limit is not read on.
    """

    def __init__(self, inner: URLLib3Session, *, limit: int, share: float = 1.0) -> None:
        """Wrap *inner*.

        Args:
            inner: The session of botocore.
            limit: The most bytes of a body that are read.
            share: Of the time that is left, what a request may take.
        """
        self._inner = inner
        self._limit = limit
        self._share = share
        limit_connects(inner)
        secure(inner)

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send the request and return its response with the body read."""
        whole = current_deadline()
        if whole is None:
            return self._inner.send(request)
        deadline = whole if self._share == 1.0 else Deadline(whole.remaining * self._share)
        request.stream_output = True  # botocore then leaves the body to the caller
        limit_reads(request, min(timeout_of(deadline), READ_TIMEOUT))
        response = self._inner.send(request)
        response.raw = Body(read_body(response.raw, limit=self._limit, deadline=deadline))
        return response

    def close(self) -> None:
        """Close all connections."""
        self._inner.close()


class Body:
    """A body that was read, in the form that botocore reads it again."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        """Yield the body."""
        yield self._body


class _ConnectTimeout(urllib3.Timeout):
    """The timeouts of the session: botocore asks for that of connections anew for each request."""

    def __init__(self, most: float) -> None:
        super().__init__(connect=most, read=READ_TIMEOUT)
        self._most = most

    @property
    def connect_timeout(self) -> float:
        """What is left of the call of ours that runs, but no more than the session's own."""
        deadline = current_deadline()
        return self._most if deadline is None else min(timeout_of(deadline), self._most)


def limit_connects(session: URLLib3Session, most: float = CONNECT_TIMEOUT) -> None:
    """Let connections of *session* follow the deadline; where botocore keeps no such timeout, they keep theirs."""
    if isinstance(getattr(session, "_timeout", None), urllib3.Timeout | float | int):
        session._timeout = _ConnectTimeout(most)  # type: ignore[attr-defined]


def limit_reads(request: AWSPreparedRequest, seconds: float) -> None:
    """Set the read timeout of this one request, and have botocore ask for that of its connection.

    Older versions of botocore have no timeouts of one request and keep `CONNECT_TIMEOUT` and `READ_TIMEOUT`.
    """
    context = getattr(request, "context", None)
    if isinstance(context, dict):
        context["read_timeout"] = seconds


def bound(client: BaseClient, max_bytes: int, *, share: float = 1.0) -> None:
    """Put a `BoundedSession` into *client*, for values of up to *max_bytes* and that *share* of the time that is left.

    botocore has no public way to it that leaves the mocks of moto and the settings for TLS and proxies alone. If the
    place is ever gone, the client stays as it is: sizes are then measured when a body was read.
    """
    endpoint = getattr(client, "_endpoint", None)
    session = getattr(endpoint, "http_session", None)
    if endpoint is not None and isinstance(session, URLLib3Session):
        limit = _ESCAPES * max_bytes + MAX_BODY_OVERHEAD
        endpoint.http_session = BoundedSession(session, limit=limit, share=share)
