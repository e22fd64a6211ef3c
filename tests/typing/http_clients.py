"""What a typed application writes that sends with httpx, httpx2 or requests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import assert_type

import httpx
import httpx2
import requests

from secretsource import Store, secret
from secretsource.integrations import httpx as for_httpx
from secretsource.integrations import httpx2 as for_httpx2
from secretsource.integrations import requests as for_requests
from secretsource.testing import MemoryResolver

store = Store([MemoryResolver()])

header = for_httpx.HeaderAuth("api_key", "pepipost/api_key")
assert_type(header.store, Store)
client = httpx.Client(auth=header)
client.get("https://example.com", auth=for_httpx.BearerAuth("github/token", store=store, wait=0.5))
httpx.AsyncClient(auth=for_httpx.BasicAuth(user="shop", password="mail/password", plain_http=True))
for_httpx.BasicAuth(user=secret("mail/user"), password="mail/password")
request = httpx.Request("GET", "https://example.com")
assert_type(header.sync_auth_flow(request), Generator[httpx.Request, httpx.Response, None])
assert_type(header.async_auth_flow(request), AsyncGenerator[httpx.Request, httpx.Response])
header.requires_request_body = True


def is_refused(response: httpx.Response) -> bool:
    return response.status_code == 403


for_httpx.HeaderAuth("Authorization", "a/b", format="Token {}", refused=is_refused)
for_httpx.HeaderAuth("api_key", "a/b", refused={401, 403})
for_httpx.HeaderAuth("api_key", "a/b", refused="401")  # type: ignore[arg-type]
for_httpx.BasicAuth("shop", "mail/password")  # type: ignore[call-arg]

httpx2.Client(auth=for_httpx2.HeaderAuth("api_key", "pepipost/api_key"))
httpx2.Client(auth=for_httpx.HeaderAuth("api_key", "a/b"))  # type: ignore[arg-type]


def is_refused2(response: httpx2.Response) -> bool:
    return response.status_code == 403


for_httpx2.BearerAuth("a/b", refused=is_refused2)
for_httpx2.BearerAuth("a/b", refused=is_refused)  # type: ignore[arg-type]

session = requests.Session()
session.auth = for_requests.BearerAuth("github/token")
requests.get("https://example.com", auth=for_requests.HeaderAuth("api_key", "pepipost/api_key"), timeout=5)
assert_type(for_requests.BasicAuth(user="shop", password="mail/password").store, Store)
for_requests.BearerAuth("a/b", refused=lambda response: "expired" in response.text)
for_requests.BearerAuth("a/b", refused=is_refused)  # type: ignore[arg-type]
