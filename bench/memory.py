"""H. The memory of one entry, as Python allocates it, with what eviction takes.

Every cache is asked once for each name of a list, in order, and `tracemalloc` says what is allocated afterwards that
was not before; a garbage collection goes ahead of both looks. It is measured twice:

- filled: as many names as the cache may keep;
- evicting: twice as many, so that it is full and each name of the second half has put out one of the first. Caches
  that have no limit (the dictionaries, powertools) keep every name, and are divided by all of them.

All caches hold names and values alike, made at run time; a name is one document with one field. Ours is read through
`get_secret`, from a resolver that answers at once and is none of the local ones, so fetches run on worker threads as
they do for a real backend. The first read, which starts threads and imports modules, is not counted.
"""

from __future__ import annotations

import functools
import gc
import json
import secrets
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from bench._aws_canned import answers
from bench._harness import QUICK, Effort, Goal, Section, Table, number
from bench._peers import present
from bench._servers import Servers
from secretsource import Deadline, Document, Location, Store, get_secret
from secretsource._default import replace_default_store

TITLE = "H. Memory of one entry"
PLAIN = "dict name -> (value, expiry)"
OURS = "secretsource get_secret"
_ENTRIES = 5_000
_FEWER = 1_000
_TTL = 3600
_HEX = 47  # bytes of randomness; with what a str costs, a value is 143 bytes
_UNLIMITED = ("dict ", "powertools ")

Read = Callable[[str], object]


def run(servers: Servers, effort: Effort) -> Section:
    """Measure, and compare with the goals."""
    del servers  # what a backend costs is not measured here
    entries = _ENTRIES if effort.share > QUICK.share else _FEWER
    makes = present(_makes(entries))
    filled = {label: _size(make, entries, entries) for label, make in makes.items()}
    evicting = {
        label: _size(make, 2 * entries, 2 * entries if label.startswith(_UNLIMITED) else entries)
        for label, make in makes.items()
    }
    replace_default_store(None)
    columns = [
        "cache",
        "filled, bytes/entry",
        "x dict(value, expiry)",
        "evicting, bytes/entry",
        "x filled dict",
    ]
    table = Table("Bytes for an entry with a value of 143 bytes", columns)
    plain = filled[PLAIN]
    for label in makes:
        table.rows.append(
            [
                label,
                number(filled[label]),
                number(filled[label] / plain),
                number(evicting[label]) if not label.startswith(_UNLIMITED) else "no limit",
                number(evicting[label] / plain) if not label.startswith(_UNLIMITED) else "",
            ]
        )
    worst = max(filled[OURS], evicting[OURS]) / plain
    return Section([table], [Goal(f"memory: {OURS}, evicting / {PLAIN}", worst, 1.8)])


def _size(make: Callable[[], Read], names: int, kept: int) -> float:
    """Return the bytes that each of *kept* entries takes after *names* were read through what *make* makes."""
    read = make()
    read("warm/up")
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number_ in range(names):
        read(f"app/key{number_:06}")
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / kept


def _value() -> str:
    return secrets.token_hex(_HEX)


def _makes(entries: int) -> dict[str, Callable[[], Read]]:
    return {
        "dict name -> value": lambda: functools.partial(_into, {}, _value),
        PLAIN: lambda: functools.partial(_into, {}, lambda: (_value(), time.monotonic())),
        OURS: functools.partial(_ours, entries),
        "cachetools TTLCache": functools.partial(_ttl_cache, entries),
        "functools.lru_cache": lambda: functools.lru_cache(maxsize=entries)(lambda _name: _value()),
        "powertools SecretsProvider": _powertools,
        "aws-secretsmanager-caching": functools.partial(_caching, entries),
    }


def _into(target: dict[str, object], make: Callable[[], object], name: str) -> None:
    target[name] = make()


class _Resolver:
    """Answers as the AWS resolver would for a secret of one member, without AWS."""

    name = "aws"

    def locate(self, name: str, *, document: bool = False) -> Location:
        address, _, member = name.rpartition("/")
        return Location(address=f"{address}-{member}", field=member, document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Document:
        del deadline
        return Document(fields={location.field or "": _value()}, version=secrets.token_hex(16))


def _ours(entries: int) -> Read:
    replace_default_store(Store([_Resolver()], ttl=_TTL, max_entries=entries))
    return get_secret


def _ttl_cache(entries: int) -> Read:
    import cachetools

    cache: Any = cachetools.TTLCache(entries, _TTL)
    return functools.partial(_into, cache, _value)


class _Client:
    """Answers as a boto3 client does, HTTP headers and all."""

    class _Meta:
        class config:  # noqa: N801 - as botocore spells it
            user_agent_extra = ""

    meta = _Meta()

    def get_secret_value(self, **asked: str) -> dict[str, Any]:
        return self._answer("GetSecretValue", asked)

    def describe_secret(self, **asked: str) -> dict[str, Any]:
        return self._answer("DescribeSecret", asked)

    def _answer(self, operation: str, asked: dict[str, str]) -> dict[str, Any]:
        answer = json.loads(json.dumps(answers("")[operation])) | {"Name": asked["SecretId"]}
        if operation == "GetSecretValue":
            answer["SecretString"] = _value()
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "content-length": str(300 + len(answer)),
            "x-amzn-requestid": secrets.token_hex(16),
            "date": "Tue, 24 Nov 2026 07:00:00 GMT",
        }
        answer["ResponseMetadata"] = {
            "RequestId": headers["x-amzn-requestid"],
            "HTTPStatusCode": 200,
            "HTTPHeaders": headers,
            "RetryAttempts": 0,
        }
        return answer


def _powertools() -> Read:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return functools.partial(SecretsProvider(boto3_client=_Client()).get, max_age=_TTL)


def _caching(entries: int) -> Read:
    from aws_secretsmanager_caching import SecretCache, SecretCacheConfig

    config = SecretCacheConfig(max_cache_size=entries, secret_refresh_interval=_TTL)
    return SecretCache(config=config, client=_Client()).get_secret_string
