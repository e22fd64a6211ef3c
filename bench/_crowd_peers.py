"""The caches that crowds are let loose on."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench._aws_canned import NAME
from bench._crowd import CROWD

OURS = "secretsource"
LONGEST_TTL = 300.0
_BOTO3_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Peer:
    """A cache.

    Attributes:
        read: Reads through it.
        clear: Empties it.
        ahead: Sets its clock some seconds ahead, where it lets itself be given one; the others have to be waited for.
        close: Ends what it has begun.
    """

    read: Callable[[], object]
    clear: Callable[[], object]
    ahead: Callable[[float], None] | None = None
    close: Callable[[], object] = lambda: None


Make = Callable[[], Peer]


def peers(value: str, *, ttl: float = LONGEST_TTL, timeout: float = _BOTO3_TIMEOUT) -> dict[str, Make]:
    """Return what makes each cache, with a client of its own.

    Args:
        value: The secret.
        ttl: For how long each keeps a value, in whole seconds.
        timeout: For how long a client of boto3 waits for an answer; ours go by the deadline of the caller.
    """
    client = functools.partial(_client, timeout)
    return {
        OURS: functools.partial(ours, value, ttl),
        "aws-secretsmanager-caching": functools.partial(_caching, client, ttl),
        "powertools SecretsProvider": functools.partial(_powertools, client, ttl),
        "cachetools @cached, lock": functools.partial(_cachetools, client, ttl, lock=threading.Lock),
        "cachetools @cached, condition": functools.partial(
            _cachetools, client, ttl, condition=threading.Condition
        ),
        "functools.lru_cache": functools.partial(_lru_cache, client, ttl),
    }


class _Clock:
    """The real clock, which can be set ahead."""

    def __init__(self) -> None:
        self._offset = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._offset

    def ahead(self, seconds: float) -> None:
        self._offset += seconds


def ours(value: str, ttl: float = LONGEST_TTL) -> Peer:
    from secretsource import Store
    from secretsource.resolvers.aws import AwsResolver

    clock = _Clock()
    store = Store([AwsResolver()], ttl=ttl, clock=clock)
    assert value == store.get(NAME).value
    return Peer(lambda: store.get(NAME), store.invalidate, clock.ahead, store.close)


def _client(timeout: float) -> Any:
    import botocore.session
    from botocore.config import Config

    return botocore.session.Session().create_client(
        "secretsmanager", config=Config(max_pool_connections=CROWD, read_timeout=timeout)
    )


def bare_fetch(client: Callable[[], Any] | None = None) -> Callable[[str], str]:
    """Return what asks each time, with a client that *client* makes; its default is boto3's."""
    made = _client(_BOTO3_TIMEOUT) if client is None else client()

    def fetch(name: str) -> str:
        answer: str = made.get_secret_value(SecretId=name)["SecretString"]
        return answer

    return fetch


def _caching(client: Callable[[], Any], ttl: float) -> Peer:
    from aws_secretsmanager_caching import SecretCache, SecretCacheConfig

    made, config = client(), SecretCacheConfig(secret_refresh_interval=int(ttl))
    caches = [SecretCache(config=config, client=made)]
    return Peer(
        lambda: caches[0].get_secret_string("bench"),
        lambda: caches.__setitem__(0, SecretCache(config=config, client=made)),
    )


def _powertools(client: Callable[[], Any], ttl: float) -> Peer:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    provider = SecretsProvider(boto3_client=client())
    return Peer(lambda: provider.get("bench", max_age=int(ttl)), provider.clear_cache)


def _cachetools(client: Callable[[], Any], ttl: float, **guard: Callable[[], object]) -> Peer:
    import cachetools

    cache: Any = cachetools.TTLCache(1024, ttl)
    made: dict[str, Any] = {name: make() for name, make in guard.items()}
    return Peer(functools.partial(cachetools.cached(cache, **made)(bare_fetch(client)), "bench"), cache.clear)


def _lru_cache(client: Callable[[], Any], ttl: float) -> Peer:
    fetch = bare_fetch(client)
    read = functools.lru_cache(lambda _period: fetch("bench"))
    # It keeps no time. The usual way round that is a key that changes with it.
    return Peer(lambda: read(time.monotonic() // ttl), read.cache_clear)
