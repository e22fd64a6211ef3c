"""The application: it sends mail, and does not know that keys change."""

import httpx
import requests

from secretsource.integrations.httpx import HeaderAuth
from secretsource.integrations.requests import HeaderAuth as RequestsHeaderAuth

NAME = "pepipost/api_key"


def client(service: str) -> httpx.Client:
    return httpx.Client(base_url=service, auth=HeaderAuth("api_key", NAME))


def async_client(service: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=service, auth=HeaderAuth("api_key", NAME))


def session() -> requests.Session:
    it = requests.Session()
    it.auth = RequestsHeaderAuth("api_key", NAME)
    return it


def mail(to: str) -> dict[str, object]:
    return {
        "from": {"email": "shop@example.com"},
        "subject": "Your order",
        "content": [{"type": "html", "value": "It is on its way."}],
        "personalizations": [{"to": [{"email": to}]}],
    }
