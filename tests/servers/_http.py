"""The smallest HTTP client that the test servers need: no proxies, no redirects, no pool."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """A status and the decoded JSON body; the text where it is no JSON, `None` where it is empty."""

    status: int
    body: Any


def request(
    method: str,
    url: str,
    *,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> Answer:
    """Send one request with a JSON *body* and return the answer, whatever its status."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    data = None if body is None else json.dumps(body).encode()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(method, target, body=data, headers={**_type_of(data), **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, _decoded(response.read()))
    finally:
        connection.close()


def _type_of(data: bytes | None) -> dict[str, str]:
    return {} if data is None else {"Content-Type": "application/json"}


def _decoded(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")
