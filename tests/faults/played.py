"""Backends that are played, each by a server that can be told to go wrong; and resolvers that ask them."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme

from secretsource.resolvers import Resolver
from secretsource.resolvers.aws import AwsResolver
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.resolvers.vault import VaultResolver
from tests.faults.canaries import Canaries, new_text
from tests.resolvers.conjur.support import token_body
from tests.servers.faulty import FaultyServer
from tests.servers.moto import REGION

__all__ = ["KINDS", "NAME", "Certificates", "Played", "certificates", "start"]

KINDS = ("aws", "vault", "conjur")
NAME = "app/key"

_JSON = {"Content-Type": "application/json"}
_KV2 = json.dumps({"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}})
_STS = (
    '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
    "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>{key}</SecretAccessKey><SessionToken>{token}</SessionToken>"
    "<Expiration>{end}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


class Certificates(NamedTuple):
    """An authority of the tests' own, and contexts of servers that it vouches for, or not."""

    file: Path
    good: ssl.SSLContext
    expired: ssl.SSLContext
    other_host: ssl.SSLContext
    unknown: ssl.SSLContext


class Played:
    """A server that plays one kind of backend, which has the secret `NAME`.

    Attributes:
        kind: One of `KINDS`.
        server: What plays it.
        read: Where a read goes.
        login: Where a login goes.
        value: What the secret has.
        resolver: Asks it.
    """

    def __init__(self, kind: str, server: FaultyServer, canaries: Canaries) -> None:
        self.kind = kind
        self.server = server
        self.canaries = canaries
        self.read = {
            "aws": "/",
            "vault": "/v1/secret/data/app",
            "conjur": "/secrets/demo/variable/app%2Fkey",
        }[kind]
        self.login = {
            "aws": "/sts",
            "vault": "/v1/auth/approle/login",
            "conjur": "/authn/demo/alice/authenticate",
        }[kind]
        self.resolver: Resolver
        self._texts: dict[str, Any] = {}
        self.new_value()

    def secret(self, what: str) -> Any:
        """Return a new credential to hide."""
        text = new_text() if what == "value" else secrets.token_hex(24)
        self.canaries.add(what, text)
        self._texts[what] = text
        return text

    @property
    def value(self) -> Any:
        return self._texts["value"]

    def new_value(self) -> None:
        """Let the secret be another one."""
        self.secret("value")

    def everything(self) -> str:
        """Return all there is to hide, as a talkative server would repeat it."""
        return " ".join(map(str, self._texts.values()))

    def plays_well(self) -> None:
        """Answer everything well from now on."""
        if self.kind == "vault":
            self.server.answer(body=_KV2, headers=_JSON, path="/v1/sys/internal/ui/mounts/secret/app")
        self.lets_in()
        self.answers(self.document(self.value))

    def answers(self, body: bytes | str, status: int = 200, **how: Any) -> None:
        """Answer reads so."""
        headers = {} if self.kind == "conjur" else _JSON
        self.server.answer(status, headers | how.pop("headers", {}), body, path=self.read, **how)

    def document(self, value: str) -> str:
        """Return the body of a good answer with *value*."""
        if self.kind == "aws":
            return json.dumps(
                {"Name": "app", "SecretString": json.dumps({"key": value}), "VersionId": "a" * 32}
            )
        if self.kind == "vault":
            return json.dumps({"data": {"data": {"key": value}, "metadata": {"version": 1}}})
        return value

    def lets_in(self, times: int | None = None) -> None:
        """Answer logins well, so many times or always, with a new token."""
        if self.kind == "vault":
            auth = {"client_token": self.secret("token"), "lease_duration": 3600}
            self.server.answer(body=json.dumps({"auth": auth}), headers=_JSON, path=self.login, times=times)
        elif self.kind == "conjur":
            body = token_body()
            self.canaries.add("token", body.decode().rstrip("="))
            self.server.answer(body=body, path=self.login, times=times)
        else:
            end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
            body = _STS.format(key=self.secret("role's key"), token=self.secret("role's token"), end=end)
            self.server.answer(body=body, headers={"Content-Type": "text/xml"}, path=self.login, times=times)

    def asked(self, path: str) -> int:
        """Return how often it was asked for *path*."""
        return sum(request.path.partition("?")[0] in {path, f"{path}/"} for request in self.server.requests)


def start(
    kind: str,
    server: FaultyServer,
    canaries: Canaries,
    *,
    monkeypatch: pytest.MonkeyPatch,
    url: str = "",
    ca_file: Path | None = None,
    logs_in: bool = False,
) -> Played:
    """Play *kind* well, and build a resolver that asks for it.

    Args:
        kind: One of `KINDS`.
        server: What plays it.
        canaries: Learns what is to be hidden.
        monkeypatch: Sets the variables that boto3 reads.
        url: Another address of the server.
        ca_file: The authority to trust.
        logs_in: AWS takes a role; the others log in always.
    """
    played = Played(kind, server, canaries)
    played.plays_well()
    played.resolver = _MAKERS[kind](played, url or server.url, ca_file, logs_in, monkeypatch)
    return played


def _aws(
    played: Played, url: str, ca_file: Path | None, logs_in: bool, monkeypatch: pytest.MonkeyPatch
) -> Resolver:
    variables = {
        "AWS_ACCESS_KEY_ID": "AKIATESTING",
        "AWS_SECRET_ACCESS_KEY": played.secret("secret key"),
        "AWS_SESSION_TOKEN": played.secret("session token"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_ENDPOINT_URL_STS": url + played.login,
    }
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    if ca_file is not None:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(ca_file))
    role = "arn:aws:iam::123456789012:role/app" if logs_in else None
    return AwsResolver(endpoint_url=url, role_arn=role)


def _vault(played: Played, url: str, ca_file: Path | None, *_: object) -> Resolver:
    auth = {"method": "approle", "role_id": played.secret("role id"), "secret_id": played.secret("secret id")}
    return VaultResolver(address=url, auth=auth, ca_file=None if ca_file is None else str(ca_file))


def _conjur(played: Played, url: str, ca_file: Path | None, *_: object) -> Resolver:
    auth = {"method": "api_key", "login": "alice", "api_key": played.secret("api key")}
    return ConjurResolver(
        url=url, account="demo", auth=auth, ca_file=None if ca_file is None else str(ca_file)
    )


_MAKERS: dict[str, Callable[..., Resolver]] = {"aws": _aws, "vault": _vault, "conjur": _conjur}


def certificates(folder: Path) -> Certificates:
    """Make an authority and the certificates of servers, good and bad ones."""
    import datetime

    authority = trustme.CA()
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)

    def context(authority: trustme.CA, host: str = "127.0.0.1", **more: Any) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host, **more).configure_cert(made)
        return made

    return Certificates(
        file=file,
        good=context(authority),
        expired=context(authority, not_after=past),
        other_host=context(authority, "other.example"),
        unknown=context(trustme.CA()),
    )
