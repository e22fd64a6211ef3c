"""E. The memory of one entry, as Python allocates it."""

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
from secretsource import Deadline, Document, Location, Store

TITLE = "E. Memory of one entry"
PLAIN = "dict name -> (value, expiry)"
OURS = "secretsource Store"
_ENTRIES = 20_000
_FEWER = 2_000
_TTL = 3600
_HEX = 47  # bytes of randomness; with what a str costs, a value is 143 bytes


def run(servers: Servers, effort: Effort) -> Section:
    """Measure, and compare with the goal."""
    del servers  # what a backend costs is not measured here
    entries = _ENTRIES if effort.share > QUICK.share else _FEWER
    sizes = {label: _size(make, entries) for label, make in present(_makes(entries)).items()}
    table = Table(
        f"{entries:,} entries, a value of 143 bytes", ["cache", "bytes/entry", "x dict(value, expiry)"]
    )
    for label, size in sizes.items():
        table.rows.append([label, number(size), number(size / sizes[PLAIN])])
    goal = Goal(f"memory: {OURS} / {PLAIN}", sizes[OURS] / sizes[PLAIN], 1.8)
    return Section([table], [goal])


def _size(make: Callable[[], Callable[[str], object]], entries: int) -> float:
    """Return the bytes that each entry takes in what *make* makes."""
    read = make()
    read("warm/up")  # imports, threads and the like are not the entry's
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number_ in range(entries):
        read(f"app/key{number_:06}")
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / entries


def _value() -> str:
    return secrets.token_hex(_HEX)


def _makes(entries: int) -> dict[str, Callable[[], Callable[[str], object]]]:
    return {
        "dict name -> value": lambda: functools.partial(_into, {}, _value),
        PLAIN: lambda: functools.partial(_into, {}, lambda: (_value(), time.monotonic())),
        OURS: functools.partial(_ours, entries),
        "cachetools TTLCache": functools.partial(_ttl_cache, entries),
        "functools.lru_cache": lambda: functools.lru_cache(maxsize=None)(lambda _name: _value()),
        "powertools SecretsProvider": _powertools,
        "aws-secretsmanager-caching": functools.partial(_caching, entries),
    }


def _into(target: dict[str, object], make: Callable[[], object], name: str) -> None:
    target[name] = make()


class _Resolver:
    """Answers as the AWS resolver would for a secret of one member, without AWS."""

    name = "aws"
    local = True  # no thread for each of 20,000 reads; what is kept is the same

    def locate(self, name: str, *, document: bool = False) -> Location:
        address, _, member = name.rpartition("/")
        return Location(address=f"{address}-{member}", field=member, document=document)

    def fetch(self, location: Location, deadline: Deadline) -> Document:
        del deadline
        return Document(fields={location.field or "": _value()}, version=secrets.token_hex(16))


def _ours(entries: int) -> Callable[[str], object]:
    return Store([_Resolver()], ttl=_TTL, max_entries=entries + 1).get


def _ttl_cache(entries: int) -> Callable[[str], object]:
    import cachetools

    cache: Any = cachetools.TTLCache(entries + 1, _TTL)
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


def _powertools() -> Callable[[str], object]:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return functools.partial(SecretsProvider(boto3_client=_Client()).get, max_age=_TTL)


def _caching(entries: int) -> Callable[[str], object]:
    from aws_secretsmanager_caching import SecretCache, SecretCacheConfig

    config = SecretCacheConfig(max_cache_size=entries + 1, secret_refresh_interval=_TTL)
    return SecretCache(config=config, client=_Client()).get_secret_string
