"""Django's engine for PostgreSQL, with a user and password that are read for each new connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secretsource.integrations._bare import bared
from secretsource.integrations._login import Credentials, Login
from secretsource.integrations._needs import needs
from secretsource.integrations._refused import is_refused
from secretsource.integrations.django.engine import SecretClient, SecretLogin, as_params, login_of

with needs("Django", extra="django"):
    from django.db.backends.postgresql import base, client

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DatabaseClient", "DatabaseWrapper", "PostgresLogin"]


class DatabaseClient(SecretClient, client.DatabaseClient):
    """Starts ``psql``."""


class PostgresLogin(SecretLogin):
    """What `DatabaseWrapper` adds, for other engines of PostgreSQL, such as PostGIS."""

    client_class: Any = DatabaseClient

    @property
    def pool(self) -> Any:
        """Django's pool of psycopg, whose connections read their own login; `None` without one."""
        pool = getattr(super(), "pool", None)  # there is none before Django 5.1
        login = None if pool is None else login_of(self.settings_dict)
        if pool is not None and login is not None:
            plain = getattr(pool.connection_class, "plain", pool.connection_class)
            pool.connection_class = reading(plain, login)
        return pool


class DatabaseWrapper(PostgresLogin, base.DatabaseWrapper):
    """A connection to PostgreSQL whose ``USER`` and ``PASSWORD`` may be secrets, with psycopg's pool or without."""


def reading(plain: type[Any], login: Login) -> type[Any]:
    """Return a class of connections like *plain* that read the user and password when they connect."""

    class Reading(plain):  # type: ignore[misc]  # known when it runs
        @classmethod
        def connect(cls, conninfo: str = "", **kwargs: Any) -> Any:
            connect: Callable[..., Any] = super().connect

            def opened(credentials: Credentials) -> Any:
                with bared():
                    return connect(conninfo, **{**kwargs, **as_params(credentials)})

            return login.connect(opened, is_refused)

    Reading.plain = plain
    Reading.__name__, Reading.__qualname__ = plain.__name__, plain.__qualname__
    return Reading
