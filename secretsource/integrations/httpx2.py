"""httpx2: requests that carry a secret, and are sent once more with another one where it is refused.

``auth=`` takes them, for a client or for one request, sync and async.
"""

from __future__ import annotations

from typing import ClassVar

from secretsource.integrations._http_auth import Basic, Bearer, Header
from secretsource.integrations._httpx_flow import Flow
from secretsource.integrations._httpx_headers import Carrying, Sending
from secretsource.integrations._needs import needs

with needs("httpx2", extra="httpx2"):
    import httpx2

__all__ = ["BasicAuth", "BearerAuth", "HeaderAuth"]


class _Headers(Carrying, httpx2.Headers):
    plain: ClassVar = httpx2.Headers


class _Request(Sending, httpx2.Request):
    pass


class _Flow(Flow[httpx2.Request, httpx2.Response]):
    _request: ClassVar = httpx2.Request
    _sending: ClassVar = _Request
    _headers: ClassVar = _Headers
    _whole: ClassVar = httpx2.ByteStream


class HeaderAuth(Header[httpx2.Response], _Flow, httpx2.Auth):
    """Sends one secret in any header, as in ``httpx2.Client(auth=HeaderAuth("api_key", "pepipost/api_key"))``."""


class BearerAuth(Bearer[httpx2.Response], _Flow, httpx2.Auth):
    """Sends one secret as a bearer token, as in ``httpx2.Client(auth=BearerAuth("github/token"))``."""


class BasicAuth(Basic[httpx2.Response], _Flow, httpx2.Auth):
    """Sends a user and a password, as in ``httpx2.Client(auth=BasicAuth(user="shop", password="mail/password"))``."""
