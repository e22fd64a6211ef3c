"""Servers that play a backend well for a while, and then hang, or send one byte a second."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.resolvers.conjur.support import token_body
from tests.servers.faulty import FaultyServer
from tests.servers.moto import REGION

NAME = "app/key"
KINDS = ("aws", "vault", "conjur")
TROUBLES = ("hang", "drip", "handshake")

_FOREVER = 60.0
_BYTE = 1.0
_JSON = {"Content-Type": "application/json"}
_KV2 = json.dumps({"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}})


@dataclass(frozen=True, slots=True)
class Playing:
    """A server that plays one kind of backend, which has `NAME`.

    Attributes:
        kind: One of `KINDS`.
        url: Where it is.
        server: What plays it; `None` where nobody does.
        value: What `NAME` has.
    """

    kind: str
    url: str
    server: FaultyServer | None = None
    value: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables of a program that reads from it."""
        return {"SECRETSOURCE_CHAIN": self.kind, **_ENVIRON[self.kind](self.url)}

    def answer(self, *, times: int | None = None, drip: float = 0.0) -> None:
        """Answer reads of `NAME` well, so many times or always."""
        assert self.server is not None
        for path, body in self._bodies().items():
            is_read = path == self._read_path
            self.server.answer(
                body=body, headers=_JSON, path=path, times=times if is_read else None, drip=is_read and drip
            )

    def hang(self) -> None:
        """Hang at each request that has no answer left."""
        assert self.server is not None
        self.server.answer(delay=_FOREVER)

    @property
    def _read_path(self) -> str:
        paths = {"aws": "/", "vault": "/v1/secret/data/app", "conjur": "/secrets/demo/variable/app%2Fkey"}
        return paths[self.kind]

    def _bodies(self) -> dict[str, bytes | str]:
        if self.kind == "aws":
            said = {"Name": "app", "SecretString": json.dumps({"key": self.value}), "VersionId": "a" * 32}
            return {self._read_path: json.dumps(said)}
        if self.kind == "vault":
            document = {"data": {"data": {"key": self.value}, "metadata": {"version": 1}}}
            look_up = "/v1/sys/internal/ui/mounts/secret/app"
            return {look_up: _KV2, self._read_path: json.dumps(document)}
        return {"/authn/demo/alice/authenticate": token_body(), self._read_path: self.value}


def _aws(url: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": url,
    }


def _vault(url: str) -> dict[str, str]:
    return {"BAO_ADDR": url, "BAO_TOKEN": secrets.token_hex(16)}


def _conjur(url: str) -> dict[str, str]:
    return {
        "CONJUR_APPLIANCE_URL": url,
        "CONJUR_ACCOUNT": "demo",
        "CONJUR_AUTHN_LOGIN": "alice",
        "CONJUR_AUTHN_API_KEY": secrets.token_hex(26),
    }


_ENVIRON = {"aws": _aws, "vault": _vault, "conjur": _conjur}


@contextmanager
def playing(kind: str) -> Iterator[Playing]:
    """Start a server that plays *kind*, and has no answers yet."""
    with FaultyServer() as server:
        yield Playing(kind, server.url, server)


@contextmanager
def in_trouble(kind: str, trouble: str) -> Iterator[Playing]:
    """Start a server that plays *kind* badly from the beginning.

    Args:
        kind: One of `KINDS`.
        trouble: ``hang`` after each request, ``drip`` one byte of a good answer a second, or let the TLS ``handshake``
            hang.
    """
    if trouble == "handshake":
        with socket.create_server(("127.0.0.1", 0)) as silent:
            yield Playing(kind, f"https://127.0.0.1:{silent.getsockname()[1]}")
        return
    with playing(kind) as server:
        if trouble == "hang":
            server.hang()
        else:
            server.answer(drip=_BYTE)
        yield server
