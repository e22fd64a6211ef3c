"""Whether a driver's exception means that the database refused the user or the password."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["is_refused"]

_SQLSTATES: Final = frozenset({"28000", "28P01"})
_MYSQL: Final = frozenset(
    {
        1045,  # wrong user or password
        1698,  # no password was sent
        1862,  # the password is over
        3118,  # the account is locked: MySQL
        4151,  # the account is locked: MariaDB
    }
)

# libpq tells no SQLSTATE of a failed connect, and the server may write in any language. What can be told for sure is
# that a password was asked for and sent. These come after that too, in English, and have nothing to do with it.
_AFTER_THE_PASSWORD: Final = re.compile(
    r"FATAL: +(too many|remaining|sorry|database|permission denied for database|the database system|terminating)"
    r"|server closed the connection|could not receive data|SSL SYSCALL|timeout expired"
)
# Some of them are the words of a pooler in between.
_IN_ENGLISH: Final = re.compile(r"auth(entication)? failed|is not permitted to log in")


def is_refused(error: BaseException) -> bool:
    """Tell whether *error* means that the database refused the user or the password.

    It knows psycopg, psycopg2, asyncpg and pg8000 for PostgreSQL, and PyMySQL, mysqlclient and what is built on them
    for MySQL and MariaDB. psycopg2 tells by its words alone, so it is known only where the server writes English.

    Args:
        error: What the driver raised, or an exception that SQLAlchemy made of it.
    """
    known = (error, getattr(error, "orig", None), error.__cause__)
    return any(_says_so(each) for each in known if isinstance(each, BaseException))


def _says_so(error: BaseException) -> bool:
    first = error.args[0] if error.args else None
    if _sqlstate(error, first) in _SQLSTATES or (isinstance(first, int) and first in _MYSQL):
        return True
    text = str(first)
    if getattr(getattr(error, "pgconn", None), "used_password", False) is True:
        return _AFTER_THE_PASSWORD.search(text) is None or _IN_ENGLISH.search(text) is not None
    return "FATAL:" in text and _IN_ENGLISH.search(text) is not None


def _sqlstate(error: BaseException, first: Any) -> object:
    if isinstance(first, dict):  # pg8000 gives the fields of the server's message
        return first.get("C")
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
