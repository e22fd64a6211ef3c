"""The servers, each in a process of its own, started when a section asks for them first."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import ssl
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from bench import _aws_canned, _late
from tests.servers.moto import REGION, Moto
from tests.servers.openbao import OpenBao

_FOREIGN = ("AWS_", "BAO_", "CONJUR_", "SECRETSOURCE_", "VAULT_")
_READER = "alice"
MANY = tuple(f"many{number:02}/token" for number in range(20))
LATE = 0.02


@dataclass(frozen=True, slots=True)
class Conjur:
    """Where the Conjur stand-in listens, and who may read there."""

    url: str
    account: str
    login: str
    api_key: str
    ca_file: str


class Asked(NamedTuple):
    """How often each operation was asked for, and the seconds from the first request in to the last answer out."""

    calls: dict[str, int]
    seconds: float


class Canned:
    """The canned AWS server."""

    def __init__(self, orders: Connection) -> None:
        self._orders = orders
        self.url = f"http://127.0.0.1:{orders.recv()}"

    def order(self, *, delay: float = 0.0, failing: bool = False) -> Asked:
        """Say how it answers from now on; return what it was asked since the last order."""
        self._orders.send((delay, failing))
        return Asked(*self._orders.recv())


class Servers:
    """All of them; use as a context manager. Meanwhile, the process is in a folder and a home of its own.

    Attributes:
        value: The secret that every one of them holds: member `token` of `bench`, and again under each of `MANY`.
        folder: An empty folder, with a `.env` that holds it as well.
    """

    def __init__(self) -> None:
        self.value = secrets.token_urlsafe(96)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (self.folder / ".env").write_text(f"BENCH_TOKEN={self.value}\n", encoding="utf-8")
        self._saved = dict(os.environ), Path.cwd()
        for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
            del os.environ[name]
        os.environ["HOME"] = str(self.folder)
        os.chdir(self.folder)
        return self

    def __exit__(self, *_exc: object) -> None:
        environ, folder = self._saved
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(folder)
        self._stack.close()

    @cached_property
    def canned(self) -> Canned:
        """The canned AWS server, at once."""
        return Canned(self._spawn(_aws_canned.serve, self.value))

    @cached_property
    def moto(self) -> Moto:
        """AWS as moto plays it."""
        moto = self._stack.enter_context(Moto())
        client = moto.client()
        client.create_secret(Name="bench", SecretString=f'{{"token": "{self.value}"}}')
        client.close()
        return moto

    @cached_property
    def openbao(self) -> OpenBao:
        """A real OpenBao."""
        server = self._stack.enter_context(OpenBao())
        for name in (_aws_canned.NAME, *MANY):
            server.put("secret", name.partition("/")[0], {"token": self.value})
        return server

    @cached_property
    def conjur(self) -> Conjur:
        """The Conjur stand-in, over TLS with an authority of its own."""
        import trustme

        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.folder / "ca.pem"))
        pair = self.folder / "server.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pair))
        orders = self._spawn(_serve_conjur, str(pair), self.value)
        return Conjur(**orders.recv(), login=_READER, ca_file=str(self.folder / "ca.pem"))

    def late(self, url: str) -> str:
        """Return an address that leads to *url* over a network that takes `LATE` seconds more for each answer."""
        parts = urlsplit(url)
        orders = self._spawn(_late.serve, parts.port, LATE)
        return parts._replace(netloc=f"{parts.hostname}:{orders.recv()}").geturl()

    def aws_environ(self, url: str) -> dict[str, str]:
        """Return the variables with which boto3 talks to *url* and nothing else."""
        return {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def _spawn(self, serve: Any, *arguments: Any) -> Connection:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, *arguments), daemon=True)
        process.start()
        theirs.close()
        self._stack.callback(process.join, 5)
        self._stack.callback(ours.close)
        return ours


def _serve_conjur(orders: Connection, pair: str, value: str) -> None:
    from tests.servers.conjur import ConjurServer

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair)
    with ConjurServer(ssl_context=context) as server:
        for name in (_aws_canned.NAME, *MANY):
            server.add_variable(name, value=value.encode(), readers=(_READER,))
        orders.send({"url": server.url, "account": server.account, "api_key": server.api_key(_READER)})
        with suppress(EOFError):
            orders.recv()
