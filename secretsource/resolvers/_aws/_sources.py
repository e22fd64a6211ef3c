"""Where boto3's chain asks for credentials without a client: the container's service, and that of the instance.

botocore gives each request a time of its own, asks again after a pause, and reads whatever comes. Here the deadline of
the call bounds all of that together.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import urllib3
from botocore.httpsession import URLLib3Session

from secretsource._deadline import Deadline
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._aws._body import read_body
from secretsource.resolvers._aws._connections import secure
from secretsource.resolvers._aws._quiet import current_deadline
from secretsource.resolvers._aws._wire import Body, limit_connects, limit_reads
from secretsource.resolvers._http import timeout_of
from secretsource.resolvers._reasons import reason_of
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

__all__ = ["bound_source"]

_SECONDS = 2.0  # for one answer; it is on this machine, or next to it
_WHO = "the service that hands out credentials"


class _BoundedSource:
    """Stands before the HTTP session of a source: the same connections, but its answers are read by us."""

    def __init__(self, inner: URLLib3Session) -> None:
        self._inner = inner
        limit_connects(inner, _SECONDS)
        secure(inner)

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        whole = current_deadline()
        if whole is None:
            return self._inner.send(request)
        if whole.expired:
            raise _failure(resolver_error(Reason.TIMEOUT))
        deadline = Deadline(min(whole.remaining, _SECONDS))
        request.stream_output = True  # botocore then leaves the body to the caller
        limit_reads(request, timeout_of(deadline))
        response = self._inner.send(request)
        outside = sys.exception()
        try:
            response.raw = Body(read_body(response.raw, limit=MAX_BODY_OVERHEAD, deadline=deadline))
            return response
        except ResolverError as error:
            failure = _failure(error)
        except (urllib3.exceptions.HTTPError, OSError) as error:  # botocore would know it from reading itself
            failure = _failure(resolver_error(reason_of(error, outside)))
        raise failure


def bound_source(fetcher: object) -> None:
    """Let what a provider of credentials fetches them with end in time.

    botocore has no public way to it. If a place is ever gone, what it bounds stays as it is.
    """
    source = getattr(fetcher, "_session", None)
    if not isinstance(source, URLLib3Session):
        return
    fetcher._session = _BoundedSource(source)  # type: ignore[attr-defined]
    if hasattr(fetcher, "_sleep"):
        fetcher._sleep = _pause


def _pause(seconds: float) -> None:
    deadline = current_deadline()
    time.sleep(seconds if deadline is None else min(seconds, deadline.remaining))


def _failure(error: ResolverError) -> ResolverError:
    """Return the error with whom it is about: it is not the service that the secret is read from."""
    detail = f"{_WHO}: {error.detail}" if error.detail else f"{_WHO} does not answer"
    return resolver_error(error.reason, detail, location=_WHO)
