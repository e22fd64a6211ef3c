"""The caches that crowds are let loose on."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench._aws_canned import NAME

OURS = "secretsource"
CROWD = 64


@dataclass(frozen=True, slots=True)
class Peer:
    """A cache: how one reads through it, and how it is emptied."""

    read: Callable[[], object]
    clear: Callable[[], object]


Make = Callable[[], Peer]


Make = Callable[[], Peer]


def peers(value: str) -> dict[str, Make]:
    """Return what makes each cache, with a client of its own."""
    return {
        OURS: functools.partial(_ours, value),
        "aws-secretsmanager-caching": _caching,
        "powertools SecretsProvider": _powertools,
        "cachetools @cached, lock": functools.partial(_cachetools, lock=threading.Lock),
        "cachetools @cached, condition": functools.partial(_cachetools, condition=threading.Condition),
        "functools.lru_cache": _lru_cache,
    }


def _client() -> Any:
    import botocore.session
    from botocore.config import Config

    return botocore.session.Session().create_client(
        "secretsmanager", config=Config(max_pool_connections=CROWD)
    )


def bare_fetch() -> Callable[[str], str]:
    client = _client()

    def fetch(name: str) -> str:
        answer: str = client.get_secret_value(SecretId=name)["SecretString"]
        return answer

    return fetch


def _ours(value: str) -> Peer:
    from secretsource import Store
    from secretsource.resolvers.aws import AwsResolver

    store = Store([AwsResolver()])
    assert value == store.get(NAME).value
    return Peer(lambda: store.get(NAME), store.invalidate)


def _caching() -> Peer:
    from aws_secretsmanager_caching import SecretCache

    client = _client()
    caches = [SecretCache(client=client)]
    return Peer(
        lambda: caches[0].get_secret_string("bench"),
        lambda: caches.__setitem__(0, SecretCache(client=client)),
    )


def _powertools() -> Peer:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    provider = SecretsProvider(boto3_client=_client())
    return Peer(lambda: provider.get("bench", max_age=300), provider.clear_cache)


def _cachetools(**guard: Callable[[], object]) -> Peer:
    import cachetools

    cache: Any = cachetools.TTLCache(1024, 300)
    made: dict[str, Any] = {name: make() for name, make in guard.items()}
    return Peer(functools.partial(cachetools.cached(cache, **made)(bare_fetch()), "bench"), cache.clear)


def _lru_cache() -> Peer:
    read = functools.lru_cache(bare_fetch())
    return Peer(functools.partial(read, "bench"), read.cache_clear)
