"""Django's engine for PostgreSQL, with a user and password that are read for each new connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secretsource.integrations._login import Login
from secretsource.integrations._needs import needs
from secretsource.integrations.django._frames import without_frames
from secretsource.integrations.django.engine import SecretClient, SecretLogin, as_params, login_of

with needs("Django", extra="django"):
    from django.db.backends.postgresql import base, client

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DatabaseClient", "DatabaseWrapper", "PostgresLogin"]

# A refused login has no SQLSTATE in libpq, only words, some of them those of a pooler in between.
_WORDS = ("authentication failed", "auth failed", "is not permitted to log in")
_STATES = ("28P01", "28000")


class DatabaseClient(SecretClient, client.DatabaseClient):
    """Starts ``psql``."""


class PostgresLogin(SecretLogin):
    """What `DatabaseWrapper` adds, for other engines of PostgreSQL, such as PostGIS."""

    client_class: Any = DatabaseClient

    def is_refused(self, error: Exception) -> bool:
        """Whether *error* means that the server does not accept the user and password."""
        return is_refused(error)

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


def is_refused(error: Exception) -> bool:
    """Whether *error* of psycopg means that the server does not accept the user and password."""
    if not isinstance(error, base.Database.OperationalError):  # type: ignore[attr-defined]  # psycopg or psycopg2
        return False
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return state in _STATES or any(words in str(error) for words in _WORDS)


def reading(plain: type[Any], login: Login) -> type[Any]:
    """Return a class of connections like *plain* that read the user and password when they connect."""

    class Reading(plain):  # type: ignore[misc]
        @classmethod
        def connect(cls, conninfo: str = "", **kwargs: Any) -> Any:
            connect: Callable[..., Any] = super().connect
            return login.connect(
                lambda credentials: without_frames(
                    lambda: connect(conninfo, **{**kwargs, **as_params(credentials)})
                ),
                is_refused,
            )

    Reading.plain = plain
    Reading.__name__, Reading.__qualname__ = plain.__name__, plain.__qualname__
    return Reading
