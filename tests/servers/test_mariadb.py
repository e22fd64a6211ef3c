"""MariaDB does what the tests of engines believe."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pymysql
import pytest

from tests.servers.mariadb import SUPERUSER, MariaDB

pytestmark = pytest.mark.skipif(not MariaDB.is_installed(), reason="mariadb-server-core is not installed")


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDB]:
    with MariaDB() as server:
        yield server


def test_it_answers_queries(mariadb: MariaDB) -> None:
    assert ((2,),) == mariadb.query("SELECT 1 + 1")


def test_a_wrong_password_is_refused(mariadb: MariaDB) -> None:
    with pytest.raises(pymysql.OperationalError, match="Access denied"), mariadb.connect(SUPERUSER, "wrong"):
        pass


def test_a_password_that_was_changed_is_the_only_one(mariadb: MariaDB) -> None:
    user = f"shop_{secrets.token_hex(4)}"
    before = mariadb.create_user(user)
    after = mariadb.change_password(user)
    with mariadb.connect(user, after):
        pass
    with pytest.raises(pymysql.OperationalError), mariadb.connect(user, before):
        pass


def test_connections_are_ended(mariadb: MariaDB) -> None:
    user = f"shop_{secrets.token_hex(4)}"
    with mariadb.connect(user, mariadb.create_user(user)) as connection:
        mariadb.end_connections(user)
        with pytest.raises(pymysql.OperationalError):
            connection.ping(reconnect=False)


def test_nothing_is_left_behind() -> None:
    with MariaDB() as server:
        folder = server._folder
        assert folder.exists()
    assert not folder.exists()
