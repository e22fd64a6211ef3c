"""The types of secretsource.integrations.redis, as type checkers see them. Never run."""

from __future__ import annotations

from typing import assert_type

import redis
import redis.asyncio

from secretsource import Store, default_store
from secretsource.integrations.redis import SecretConnection, SecretCredentialProvider, SecretSSLConnection

store: Store = default_store()
login = SecretCredentialProvider("redis/password")
SecretCredentialProvider("redis/password", user="redis/user", store=store, wait=1)
assert_type(login.with_username("shop"), SecretCredentialProvider)
assert_type(login.get_credentials(), tuple[str] | tuple[str, str])

client = redis.Redis(host="h", credential_provider=login, redis_connect_func=login.connect)
redis.asyncio.Redis(host="h", credential_provider=login, redis_connect_func=login.connect_async)
redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # redis-py says nothing of its keywords
    "redis://h", credential_provider=login, redis_connect_func=login.connect
)
redis.ConnectionPool(connection_class=SecretConnection, credential_provider=login)
redis.ConnectionPool(connection_class=SecretSSLConnection, credential_provider=login)
redis.RedisCluster.from_url("redis://h", credential_provider=login, connection_class=SecretConnection)

SecretCredentialProvider()  # type: ignore[call-arg]
SecretCredentialProvider("redis/password", "shop")  # type: ignore[call-arg]  # the user is given by keyword
