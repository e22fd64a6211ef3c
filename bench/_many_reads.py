"""The ways of reading twenty names from one backend, each with its connections open."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from bench._backends import conjur_client
from bench._servers import MANY, Servers
from secretsource import Resolver, Store

AT_ONCE = "secretsource get_many"
BATCH = "secretsource get_many, batch = true"
ONE_BY_ONE = "secretsource, one by one"
_THREADS = 10
_PATHS = [name.partition("/")[0] for name in MANY]

Reads = dict[str, Callable[[], object]]


def _ours(resolver: Resolver, stack: ExitStack, value: str, label: str) -> Reads:
    store = stack.enter_context(Store([resolver]))
    assert {value} == {each.value for each in store.get_many(MANY).values()}
    return {label: lambda: store.get_many(MANY, refresh=True)}


def _ours_one_by_one(resolver: Resolver, stack: ExitStack) -> Reads:
    store = stack.enter_context(Store([resolver]))
    return {ONE_BY_ONE: lambda: [store.get(name, refresh=True) for name in MANY]}


def _bare(label: str, read: Callable[[str], object], names: Sequence[str], stack: ExitStack) -> Reads:
    threads = stack.enter_context(ThreadPoolExecutor(_THREADS))
    return {
        f"{label}, one by one": lambda: [read(name) for name in names],
        f"{label}, ten threads": lambda: list(threads.map(read, names)),
    }


@contextmanager
def aws(servers: Servers) -> Iterator[Reads]:
    import boto3

    from secretsource.resolvers.aws import AwsResolver

    os.environ.update(servers.aws_environ(servers.late(servers.canned.url)))
    client: Any = boto3.client("secretsmanager")
    with ExitStack() as stack:
        reads = _bare("boto3", lambda name: client.get_secret_value(SecretId=name), _PATHS, stack)
        reads["boto3 batch_get_secret_value"] = lambda: client.batch_get_secret_value(SecretIdList=_PATHS)
        yield (
            reads
            | _ours_one_by_one(AwsResolver(), stack)
            | _ours(AwsResolver(), stack, servers.value, AT_ONCE)
            | _ours(AwsResolver(batch=True), stack, servers.value, BATCH)
        )


@contextmanager
def vault(servers: Servers) -> Iterator[Reads]:
    import hvac

    from secretsource.resolvers.vault import VaultResolver

    url, token = servers.late(servers.openbao.url), servers.openbao.root_token
    kv = hvac.Client(url=url, token=token).secrets.kv.v2

    def read(path: str) -> object:
        return kv.read_secret_version(path=path, raise_on_deleted_version=True)

    def resolver() -> Resolver:
        return VaultResolver(address=url, auth={"method": "token", "token": token})

    with ExitStack() as stack:
        yield (
            _bare("hvac", read, _PATHS, stack)
            | _ours_one_by_one(resolver(), stack)
            | _ours(resolver(), stack, servers.value, AT_ONCE)
        )


@contextmanager
def conjur(servers: Servers) -> Iterator[Reads]:
    import urllib3

    from secretsource.resolvers.conjur import ConjurResolver

    server = replace(servers.conjur, url=servers.late(servers.conjur.url))
    auth = {"method": "api_key", "login": server.login, "api_key": server.api_key}

    def resolver() -> Resolver:
        return ConjurResolver(url=server.url, account=server.account, ca_file=server.ca_file, auth=auth)

    client = conjur_client(server.url, server.account, server.login, server.api_key, server.ca_file)
    with ExitStack() as stack:
        pool = stack.enter_context(urllib3.PoolManager(ca_certs=server.ca_file, maxsize=_THREADS))
        login = f"{server.url}/authn/{server.account}/{server.login}/authenticate"
        encoded = {"Accept-Encoding": "base64"}
        token = pool.request("POST", login, body=server.api_key, headers=encoded).data.decode()

        def read(name: str) -> object:
            url = f"{server.url}/secrets/{server.account}/variable/{quote(name, safe='')}"
            return pool.request("GET", url, headers={"Authorization": f'Token token="{token}"'}).data

        yield (
            _bare("urllib3 PoolManager", read, MANY, stack)
            | {
                "conjur_api, one by one": lambda: [client.get(name) for name in MANY],
                "conjur_api get_many": lambda: client.get_many(*MANY),
            }
            | _ours_one_by_one(resolver(), stack)
            | _ours(resolver(), stack, servers.value, AT_ONCE)
        )
