"""requests: requests that carry a secret, and are sent once more with another one where it is refused.

``auth=`` takes them, for a session or for one request.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, SupportsIndex

from secretsource.integrations._http_auth import Basic, Bearer, Header
from secretsource.integrations._http_origin import origin_of
from secretsource.integrations._http_service import Carried, Service
from secretsource.integrations._needs import needs

with needs("requests", extra="requests"):
    from requests import PreparedRequest, Response
    from requests.auth import AuthBase
    from requests.structures import CaseInsensitiveDict

__all__ = ["BasicAuth", "BearerAuth", "HeaderAuth"]


class _Auth(Service[Response], AuthBase):
    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Let *request* carry the secret; requests calls this when it prepares one.

        Raises:
            SecretSourceError: The secret cannot be read, or must not be sent there.
        """
        self.check(origin_of(request.url or ""))
        _put(request, self.read())
        request.hooks["response"].append(_Sending(self, request))
        return request


class HeaderAuth(Header[Response], _Auth):
    """Sends one secret in any header, as in ``session.auth = HeaderAuth("api_key", "pepipost/api_key")``."""


class BearerAuth(Bearer[Response], _Auth):
    """Sends one secret as a bearer token, as in ``session.auth = BearerAuth("github/token")``."""


class BasicAuth(Basic[Response], _Auth):
    """Sends a user and a password, as in ``session.auth = BasicAuth(user="shop", password="mail/password")``."""


class _Headers(CaseInsensitiveDict[Any]):
    """Headers that know what they carry, and have it no more when they are pickled."""

    carried: Carried | None = None

    def copy(self) -> _Headers:
        other = _Headers(dict(self.items()))
        other.carried = self.carried
        return other

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        carried = _carried_by(self)
        shown = {name: value for name, value in self.items() if carried is None or value is not carried.value}
        return CaseInsensitiveDict, (shown,)


class _Sending:
    """What is done with the answers to one prepared request, and to those that redirects make of it."""

    def __init__(self, auth: _Auth, request: PreparedRequest) -> None:
        self._auth = auth
        self._origin = origin_of(request.url or "")
        self._body = request.body
        self._position = _position_in(request.body)

    def __call__(self, response: Response, **kwargs: Any) -> Response:
        """Send the request once more if it was refused and there is another value; *kwargs* are the session's."""
        request: Any = response.request
        if response.is_redirect:
            self._let_go(request, response)
        is_ours = origin_of(request.url) == self._origin
        if not is_ours or not self._auth.is_refused(response, response.status_code):
            return response
        newer = self._newer(request, may_resend=self._may_resend(request.body))
        if newer is None or not self._is_rewound(request.body):
            return response
        return self._sent_again(request, newer, response, **kwargs)

    def _newer(self, request: Any, *, may_resend: bool) -> Carried | None:
        headers = request.headers
        if (carried := _carried_by(headers)) is not None:
            return self._auth.replaced(carried, wait=may_resend)
        # A redirect away from here took it, and now the request is here again. What others have put there stays.
        was_taken = isinstance(headers, _Headers) and headers.carried is not None
        return self._auth.current() if was_taken and headers.carried.header not in headers else None

    def _sent_again(
        self, request: PreparedRequest, newer: Carried, response: Response, **kwargs: Any
    ) -> Response:
        _ = response.content  # so that its connection can be used again
        response.close()
        again = request.copy()
        _put(again, newer)
        started = time.perf_counter()
        answer: Response = response.connection.send(again, **kwargs)
        answer.elapsed = timedelta(seconds=time.perf_counter() - started)
        answer.history.append(response)
        if answer.is_redirect:  # which the session follows with a copy of the first request
            _put(request, newer)
            self._let_go(request, answer)
        return answer

    def _let_go(self, request: PreparedRequest, redirect: Response) -> None:
        """Take the secret from *request*, of which the session makes the next one, if that goes somewhere else."""
        carried = _carried_by(request.headers)
        if carried is not None and origin_of(redirect.headers["location"], redirect.url) != self._origin:
            del request.headers[carried.header]

    def _may_resend(self, body: Any) -> bool:
        return body is None or isinstance(body, str | bytes) or self._is_file(body)

    def _is_rewound(self, body: Any) -> bool:
        if self._is_file(body):
            try:
                body.seek(self._position)
            except (OSError, ValueError):
                return False
        return self._may_resend(body)

    def _is_file(self, body: Any) -> bool:
        return body is self._body and self._position is not None

    def __reduce__(self) -> tuple[Any, ...]:
        return _nothing_to_do, ()


def _nothing_to_do() -> Callable[..., Response]:
    """Return what stands for the hook in a pickled request, which is not sent any more."""
    return _as_it_is


def _as_it_is(response: Response, **kwargs: Any) -> Response:  # noqa: ARG001 - a hook
    return response


def _put(request: PreparedRequest, carried: Carried) -> None:
    headers = _Headers(dict(request.headers.items()))
    headers[carried.header] = carried.value
    headers.carried = carried
    request.headers = headers


def _carried_by(headers: Any) -> Carried | None:
    """Return what *headers* carry, if nobody has put something else in its place."""
    carried: Carried | None = getattr(headers, "carried", None)
    return carried if carried is not None and headers.get(carried.header) is carried.value else None


def _position_in(body: Any) -> int | None:
    """Return where the file *body* stands; `None` for what cannot be read twice."""
    if not hasattr(body, "seek"):
        return None
    try:
        position: int = body.tell()
    except (AttributeError, OSError, ValueError):
        return None
    return position
