"""The application: it asks its database. The password is the secret ``db/primary/password``."""

from typing import Self

from secretsource.integrations.asyncpg import create_pool


class Orders:
    def __init__(self, port: int) -> None:
        self._pool = create_pool(
            f"postgresql://shop@127.0.0.1:{port}/postgres",
            password="db/primary/password",
            min_size=1,
            max_queries=5,  # so that there are new connections all the time
        )

    async def who(self) -> str:
        return str(await self._pool.fetchval("SELECT current_user"))

    async def __aenter__(self) -> Self:
        await self._pool
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._pool.close()
