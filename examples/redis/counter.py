"""The application: it counts visits. The password of Redis is the secret ``redis/password``."""

import redis
import redis.asyncio

from secretsource.integrations.redis import SecretCredentialProvider

login = SecretCredentialProvider("redis/password")


class Counter:
    def __init__(self, port: int) -> None:
        self._client = redis.Redis(port=port, credential_provider=login, redis_connect_func=login.connect)

    def visit(self) -> int:
        return int(self._client.incr("visits"))

    def close(self) -> None:
        self._client.close()


class AsyncCounter:
    def __init__(self, port: int) -> None:
        self._client = redis.asyncio.Redis(
            port=port, credential_provider=login, redis_connect_func=login.connect_async
        )

    async def visit(self) -> int:
        return int(await self._client.incr("visits"))

    async def close(self) -> None:
        await self._client.aclose()
