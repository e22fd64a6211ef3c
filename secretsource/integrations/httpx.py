"""httpx: requests that carry a secret, and are sent once more with another one where it is refused.

``auth=`` takes them, for a client or for one request, sync and async.
"""

from __future__ import annotations

from typing import ClassVar

from secretsource.integrations._http_auth import Basic, Bearer, Header
from secretsource.integrations._httpx_flow import Flow
from secretsource.integrations._httpx_headers import Carrying, Sending
from secretsource.integrations._needs import needs

with needs("httpx", extra="httpx"):
    import httpx

__all__ = ["BasicAuth", "BearerAuth", "HeaderAuth"]


class _Headers(Carrying, httpx.Headers):
    plain: ClassVar = httpx.Headers


class _Request(Sending, httpx.Request):
    pass


class _Flow(Flow[httpx.Request, httpx.Response]):
    _request: ClassVar = httpx.Request
    _sending: ClassVar = _Request
    _headers: ClassVar = _Headers
    _whole: ClassVar = httpx.ByteStream


class HeaderAuth(Header[httpx.Response], _Flow, httpx.Auth):
    """Sends one secret in any header, as in ``httpx.Client(auth=HeaderAuth("api_key", "pepipost/api_key"))``."""


class BearerAuth(Bearer[httpx.Response], _Flow, httpx.Auth):
    """Sends one secret as a bearer token, as in ``httpx.Client(auth=BearerAuth("github/token"))``."""


class BasicAuth(Basic[httpx.Response], _Flow, httpx.Auth):
    """Sends a user and a password, as in ``httpx.Client(auth=BasicAuth(user="shop", password="mail/password"))``."""
