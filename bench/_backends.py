"""The backends that misses are measured against, each with the ways of reading from it."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from bench._aws_canned import NAME
from bench._peers import missing
from bench._servers import Servers
from secretsource import Deadline, Resolver, Store

OURS = "secretsource get(name, refresh=True)"
ALONE = "its resolver alone, without store and thread"
FLOOR = "http.client, kept connection (floor)"

Reads = dict[str, Callable[[], object]]


@contextmanager
def _ours(resolver: Resolver, value: str) -> Iterator[Reads]:
    location = resolver.locate(NAME)
    with Store([resolver]) as store:
        assert value == store.get(NAME).value
        yield {
            OURS: lambda: store.get(NAME, refresh=True),
            ALONE: lambda: resolver.fetch(location, Deadline(10)),
        }


# AWS


def aws_canned(servers: Servers) -> Any:
    return _aws(servers, servers.canned.url)


def aws_moto(servers: Servers) -> Any:
    return _aws(servers, servers.moto.url)


@contextmanager
def _aws(servers: Servers, url: str) -> Iterator[Reads]:
    import boto3

    from secretsource.resolvers.aws import AwsResolver

    os.environ.update(servers.aws_environ(url))
    client = boto3.client("secretsmanager")
    headers = {"X-Amz-Target": "secretsmanager.GetSecretValue", "Content-Type": "application/x-amz-json-1.1"}
    headers["Authorization"] = (
        "AWS4-HMAC-SHA256 Credential=x/20300101/eu-central-1/secretsmanager/aws4_request"
    )

    def bare() -> object:
        return client.get_secret_value(SecretId="bench")["SecretString"]

    with ExitStack() as stack:
        reads = stack.enter_context(_ours(AwsResolver(), servers.value))
        threads = stack.enter_context(ThreadPoolExecutor(1))
        if "powertools" not in missing():
            reads["powertools get(force_fetch=True)"] = _powertools(client)
        yield reads | {
            "boto3 get_secret_value": bare,
            "boto3 on a thread, submit().result()": lambda: threads.submit(bare).result(),
            FLOOR: stack.enter_context(
                _http_client(url, "POST", "/", headers, body=b'{"SecretId": "bench"}')
            ),
        }


def _powertools(client: Any) -> Callable[[], object]:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    provider = SecretsProvider(boto3_client=client)
    return lambda: provider.get("bench", force_fetch=True)


# Vault


@contextmanager
def vault(servers: Servers) -> Iterator[Reads]:
    import hvac

    from secretsource.resolvers.vault import VaultResolver

    url, token = servers.openbao.url, servers.openbao.root_token
    client = hvac.Client(url=url, token=token)
    kv = client.secrets.kv.v2

    def bare() -> object:
        return kv.read_secret_version(path="bench", raise_on_deleted_version=True)["data"]["data"]["token"]

    def asking_first() -> object:
        assert client.is_authenticated()
        return bare()

    def new_client() -> object:
        with closing(hvac.Client(url=url, token=token).adapter) as adapter:
            reader = hvac.api.SecretsEngines(adapter).kv.v2
            return reader.read_secret_version(path="bench", raise_on_deleted_version=True)

    resolver = VaultResolver(address=url, auth={"method": "token", "token": token})
    with ExitStack() as stack:
        reads = stack.enter_context(_ours(resolver, servers.value))
        threads = stack.enter_context(ThreadPoolExecutor(1))
        yield reads | {
            "hvac kv.v2.read_secret_version": bare,
            "hvac on a thread, submit().result()": lambda: threads.submit(bare).result(),
            "hvac, is_authenticated() before each read": asking_first,
            "hvac, a new Client for each read": new_client,
            FLOOR: stack.enter_context(
                _http_client(url, "GET", "/v1/secret/data/bench", {"X-Vault-Token": token})
            ),
        }


# Conjur


@contextmanager
def conjur(servers: Servers) -> Iterator[Reads]:
    import urllib3

    from secretsource.resolvers.conjur import ConjurResolver

    server = servers.conjur
    auth = {"method": "api_key", "login": server.login, "api_key": server.api_key}
    resolver = ConjurResolver(url=server.url, account=server.account, ca_file=server.ca_file, auth=auth)
    path = f"/secrets/{server.account}/variable/{quote(NAME, safe='')}"
    with ExitStack() as stack:
        tls = ssl.create_default_context(cafile=server.ca_file)
        pool = stack.enter_context(urllib3.PoolManager(ssl_context=tls))
        login = f"{server.url}/authn/{server.account}/{server.login}/authenticate"
        encoded = {"Accept-Encoding": "base64"}
        token = pool.request("POST", login, body=server.api_key, headers=encoded).data.decode()
        headers = {"Authorization": f'Token token="{token}"'}
        client = conjur_client(server.url, server.account, server.login, server.api_key, server.ca_file)
        assert servers.value == client.get(NAME).decode()
        reads = stack.enter_context(_ours(resolver, servers.value))
        yield reads | {
            "conjur_api sync mode, CA_BUNDLE": lambda: client.get(NAME),
            "urllib3 PoolManager": lambda: pool.request("GET", server.url + path, headers=headers).data,
            FLOOR: stack.enter_context(_http_client(server.url, "GET", path, headers, tls=tls)),
        }


def conjur_client(url: str, account: str, login: str, api_key: str, ca_file: str) -> Any:
    """Return a client of conjur_api in sync mode."""
    from conjur_api import Client
    from conjur_api.models import ConjurConnectionInfo, CredentialsData, SslVerificationMode
    from conjur_api.providers import AuthnAuthenticationStrategy, SimpleCredentialsProvider

    credentials = SimpleCredentialsProvider()
    credentials.save(CredentialsData(machine=url, username=login, api_key=api_key))
    return Client(
        ConjurConnectionInfo(conjur_url=url, account=account, cert_file=ca_file),
        ssl_verification_mode=SslVerificationMode.CA_BUNDLE,
        authn_strategy=AuthnAuthenticationStrategy(credentials),
        async_mode=False,
    )


# The floor


@contextmanager
def _http_client(
    url: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    *,
    body: bytes | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Callable[[], object]]:
    netloc = urlsplit(url).netloc
    connection = (
        http.client.HTTPConnection(netloc)
        if tls is None
        else http.client.HTTPSConnection(netloc, context=tls)
    )

    def read() -> object:
        connection.request(method, path, body, dict(headers))
        with connection.getresponse() as answer:
            raw = answer.read()
        assert answer.status == 200, raw
        return json.loads(raw) if raw.startswith(b"{") else raw

    with closing(connection):
        yield read
