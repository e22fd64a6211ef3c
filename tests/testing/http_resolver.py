"""A resolver that speaks HTTP and keeps the contract: what the broken ones differ from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError
from urllib3.util import Retry

from secretsource import MaskedStr
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers import Deadline, Document, Location, check_name, split_name

_MOST = 2_000_000
_REASONS = {401: Reason.DENIED, 403: Reason.DENIED, 429: Reason.THROTTLED}


class HttpResolver:
    """GET {url}/{path} answers with ``{"fields": {…}}``, or 404 with ``{"missing": true}``."""

    name = "http"
    follows = False

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = MaskedStr(token)
        self._pool = urllib3.PoolManager(retries=False)

    def locate(self, name: str, *, document: bool = False) -> Location:
        path, field = (check_name(name), None) if document else split_name(check_name(name))
        return Location(address=path, field=field, document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Any:
        said = self.asked(location, deadline)
        if isinstance(said, ResolverError):
            raise said
        return said

    def asked(self, location: Location, deadline: Deadline) -> Any:
        """Return an answer or an error; nothing that is caught here is led to by what is raised."""
        try:
            response = self._pool.request(
                "GET",
                f"{self._url}/{location.address}",
                headers={"x-token": self._token},
                timeout=max(0.01, deadline.remaining),
                redirect=self.follows,
                retries=Retry(3, redirect=3) if self.follows else False,
                preload_content=False,
            )
            body = self.body(response, deadline)
        except SSLError:
            return resolver_error(Reason.TLS)
        except (NewConnectionError, MaxRetryError):
            return resolver_error(Reason.REFUSED)
        except urllib3.exceptions.TimeoutError:
            return resolver_error(Reason.TIMEOUT)
        except (urllib3.exceptions.IncompleteRead, urllib3.exceptions.InvalidChunkLength):
            return resolver_error(Reason.BROKEN)
        except HTTPError as error:
            return resolver_error(self.reason_of(error))
        if isinstance(body, ResolverError):
            return body
        return self.meaning(response.status, response.headers, body)

    def reason_of(self, error: HTTPError) -> Reason:
        return Reason.BROKEN if "IncompleteRead" in repr(error) or "Chunk" in repr(error) else Reason.REFUSED

    def body(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes | ResolverError:
        body = b""
        for piece in self.pieces(response):
            body += piece
            if len(body) > _MOST:
                return resolver_error(Reason.BROKEN, "more than 2 MB")
            if deadline.expired:
                return resolver_error(Reason.TIMEOUT)
        return body

    def pieces(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """Yield what has come, without waiting for more."""
        if "content-length" not in response.headers:
            yield from response.stream(65536)
            return
        while piece := response.read1(65536):
            yield piece

    def meaning(self, status: int, headers: Any, body: bytes) -> Any:
        found: Any = None
        with suppress(ValueError):
            found = json.loads(body)
        if status == 404 and isinstance(found, dict) and found.get("missing") is True:
            return None
        if status in _REASONS or status >= 500:
            wait = headers.get("retry-after", "")
            return resolver_error(
                _REASONS.get(status, Reason.SERVER), retry_after=float(wait) if wait.isdecimal() else None
            )
        fields = found.get("fields") if isinstance(found, dict) else None
        if status != 200 or not isinstance(fields, dict):
            return resolver_error(Reason.BROKEN, f"HTTP {status}")
        return Document(fields=fields)

    def close(self) -> None:
        self._pool.clear()
