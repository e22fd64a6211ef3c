"""The types of secretsource.integrations.asyncpg, as type checkers see them. Never run.

asyncpg's own are unknown to type checkers, so what is returned is `Any`.
"""

from __future__ import annotations

from typing import Any, assert_type

from secretsource import Store, default_store
from secretsource.integrations.asyncpg import connect, create_pool

store: Store = default_store()


async def main() -> None:
    assert_type(await connect("postgresql://shop@h/shop", password="p", store=store, wait=1), Any)
    assert_type(create_pool(host="h", password="p", user="u", drain=False, min_size=1), Any)
    async with create_pool("postgresql://shop@h/shop", password="p") as pool:
        await pool.fetchval("SELECT 1")

    await connect("postgresql://shop@h/shop")  # type: ignore[call-arg]
    create_pool(password=b"p")  # type: ignore[arg-type]
