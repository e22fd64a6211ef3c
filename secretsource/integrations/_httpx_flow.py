"""How a request of httpx or httpx2 is sent with a secret, and once more with another one; sync and async."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from functools import partial
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast

from secretsource.integrations._http_origin import Origin
from secretsource.integrations._http_service import Carried, Service
from secretsource.integrations._httpx_headers import Carrying

__all__ = ["Flow"]

Q = TypeVar("Q")
S = TypeVar("S")


class _Ask(NamedTuple):
    """What is asked of the store."""

    now: Callable[[], Carried | None]
    later: Callable[[], Awaitable[Carried | None]]


class Flow(Service[S], Generic[Q, S]):
    """The flows of an ``Auth`` of httpx.

    Attributes:
        requires_request_body: Read the body of each request before it is sent, so that every kind can be sent again.
        requires_response_body: Read the body of each answer before the function ``refused`` is called.
    """

    requires_request_body: bool
    requires_response_body: bool
    _request: ClassVar[type[Any]]
    _sending: ClassVar[type[Any]]
    _headers: ClassVar[type[Carrying]]
    _whole: ClassVar[type[Any]]

    def sync_auth_flow(self, request: Q) -> Generator[Q, S, None]:
        """Send *request*, and once more after a refusal."""
        if self.requires_request_body:
            cast(Any, request).read()
        steps = self._steps(request)
        said: Any = None
        while (step := _next(steps, said)) is not None:
            if isinstance(step, _Ask):
                said = step.now()
                continue
            said = yield step
            if self.requires_response_body:
                said.read()

    async def async_auth_flow(self, request: Q) -> AsyncGenerator[Q, S]:
        """Do what `sync_auth_flow` does without blocking the event loop."""
        if self.requires_request_body:
            await cast(Any, request).aread()
        steps = self._steps(request)
        said: Any = None
        while (step := _next(steps, said)) is not None:
            if isinstance(step, _Ask):
                said = await step.later()
                continue
            said = yield step
            if self.requires_response_body:
                await said.aread()

    def _steps(self, request: Any) -> Generator[Any, Any, None]:
        """Yield what to ask of the store, and what to send; be sent what came of it."""
        origin = _origin_of(request)
        self.check(origin)
        carried = yield _Ask(self.read, self.aread)
        may_resend = True
        while True:
            response = yield self._carrying(request, carried)
            if (hop := _hop_behind(request, response)) is not None:
                # The client has followed a redirect, and without the secret.
                if _origin_of(hop) != origin or not self._is_whole(hop):
                    return
                request = hop
            elif may_resend and _is_carrying(request) and self.is_refused(response, response.status_code):
                may_resend = False
                again = self._is_whole(request)
                carried = yield _Ask(
                    partial(self.replaced, carried, wait=again), partial(self.areplaced, carried, wait=again)
                )
                if carried is None or not again:
                    return
            else:
                return

    def _carrying(self, request: Any, carried: Carried) -> Any:
        if type(request) is self._request:
            request.__class__ = self._sending
        request.headers = self._headers(request.headers, carried)
        return request

    def _is_whole(self, request: Any) -> bool:
        """Whether the body is there as a whole, and so can be sent again."""
        return isinstance(request.stream, self._whole)


def _next(steps: Generator[Any, Any, None], said: Any) -> Any:
    try:
        return steps.send(said)
    except StopIteration:
        return None


def _hop_behind(request: Any, response: Any) -> Any:
    """Return the request that the client has made of the answer to *request*, a redirect; `None` if it was none."""
    behind = None
    for each in (response, *reversed(response.history)):
        if each.request is request:
            return behind
        behind = each.request
    return None


def _is_carrying(request: Any) -> bool:
    return isinstance(request.headers, Carrying) and request.headers.carried is not None


def _origin_of(request: Any) -> Origin:
    return Origin.of(request.url.scheme, request.url.host, request.url.port)
