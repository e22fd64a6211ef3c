"""A client for the stand-in's own tests."""

import contextlib
import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from .server import ConjurServer

VARIABLE = "lab/key"


@dataclass(slots=True)
class Client:
    """Alice, over one kept connection."""

    server: ConjurServer
    connection: http.client.HTTPConnection
    token: str = field(repr=False)

    def send(self, method: str, target: str, body: bytes | None = None) -> http.client.HTTPResponse:
        headers = {"Authorization": f'Token token="{self.token}"'}
        self.connection.request(method, target, body, headers)
        return self.connection.getresponse()

    def status(self, method: str, target: str, body: bytes | None = None) -> int:
        response = self.send(method, target, body)
        response.read()
        return response.status

    def read(self, variable: str = VARIABLE) -> int:
        return self.status("GET", path_of(variable))

    def log_in(self, key: str) -> int:
        return self.status("POST", "/authn/demo/alice/authenticate", key.encode())


def path_of(variable: str = VARIABLE) -> str:
    return f"/secrets/demo/variable/{quote(variable, safe='')}"


@contextlib.contextmanager
def connected(server: ConjurServer, tls: ssl.SSLContext | None = None) -> Iterator[Client]:
    netloc = urlsplit(server.url).netloc
    connection = (
        http.client.HTTPSConnection(netloc, timeout=5, context=tls)
        if tls
        else http.client.HTTPConnection(netloc, timeout=5)
    )
    with contextlib.closing(connection):
        yield Client(server, connection, server.token("alice"))
