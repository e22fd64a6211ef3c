"""The types of secretsource.integrations.sqlalchemy, as type checkers see them. Never run."""

from __future__ import annotations

from typing import assert_type

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from secretsource import Store, default_store
from secretsource.integrations.sqlalchemy import is_refused, use_secret

store: Store = default_store()
engine = create_engine("postgresql+psycopg://shop@h/shop")
use_secret(engine, password="db/primary/password")
use_secret(create_async_engine("postgresql+asyncpg://h/shop"), password="p/password", user="p/username")
use_secret(engine, password="p", store=store, wait=1, drain=True)


def refused(error: Exception) -> bool:
    return assert_type(is_refused(error), bool) or "expired" in str(error)


use_secret(engine, password="p", refused=refused)

use_secret(engine)  # type: ignore[call-arg]
use_secret(engine, "p")  # type: ignore[call-arg]  # the password is given by keyword
use_secret("postgresql://h/shop", password="p")  # type: ignore[arg-type]  # an address is no engine
