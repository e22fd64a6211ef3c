"""Django's engine for MySQL on a real MariaDB whose passwords change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pymysql
import pytest
from django.db import OperationalError, connections
from django.http import HttpRequest, HttpResponse
from django.test.utils import override_settings

import secretsource
from secretsource import SecretNotFound
from secretsource.integrations import _login
from secretsource.integrations.django import secret
from secretsource.testing import MemoryResolver
from tests.integrations.database import PASSWORD, USER, Login, locals_of, raised
from tests.integrations.django_project import commanded, configured, database, get, views
from tests.servers._process import LOOPBACK
from tests.servers.mariadb import SUPERUSER, MariaDB

try:
    import MySQLdb  # noqa: F401
except ImportError:
    pymysql.install_as_MySQLdb()

configured()
pytestmark = pytest.mark.skipif(not MariaDB.is_installed(), reason="mariadb-server-core is not installed")
ENGINE = "secretsource.integrations.django.mysql"


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDB]:
    with MariaDB() as server:
        server.query("CREATE DATABASE shop")
        yield server


@pytest.fixture
def login(server: MariaDB) -> Iterator[Login]:
    login = Login(cast(Any, server))
    with login.store:
        yield login


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a refused login not wait for another password."""
    monkeypatch.setitem(cast(dict[str, Any], _login.Login.__init__.__kwdefaults__), "wait", 0.0)


@pytest.fixture(autouse=True)
def no_views() -> Iterator[None]:
    yield
    views.clear()


def table(login: Login, **more: Any) -> dict[str, Any]:
    """What stands in DATABASES."""
    return {
        "ENGINE": ENGINE,
        "NAME": "shop",
        "HOST": LOOPBACK,
        "PORT": login.server.port,
        "USER": secret(USER, store=login.store),
        "PASSWORD": secret(PASSWORD, store=login.store),
        **more,
    }


def who(connection: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT user()")
        return str(cursor.fetchone()[0]).partition("@")[0]


def test_user_and_password_are_read_for_each_new_connection(login: Login) -> None:
    with database("shop", **table(login)) as connection:
        assert login.user == who(connection)
        first = login.user
        login.next_user()
        login.notice()
        assert first == who(connection), "the connection that is open goes on"
        connection.close()
        assert login.user == who(connection)


def test_plain_settings_work_as_with_djangos_engine(server: MariaDB, login: Login) -> None:
    with database("shop", **table(login, USER=SUPERUSER, PASSWORD=server.password)) as connection:
        assert SUPERUSER == who(connection)


def test_a_user_may_be_the_only_secret(login: Login) -> None:
    with database("shop", **table(login, PASSWORD=login.passwords[-1])) as connection:
        assert login.user == who(connection)


@pytest.mark.parametrize("more", [{}, {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}], ids=["each", "kept"])
def test_a_rotation_is_not_seen_by_requests(login: Login, more: dict[str, Any]) -> None:
    views["who"] = lambda request: HttpResponse(who(connections["shop"]))
    answers = []
    with database("shop", **table(login, **more)):
        for later in (0.0, 0.0, 0.3):
            answers.append(get("who"))
            login.rotate(later=later)
            login.server.end_connections(login.user)
            answers.append(get("who"))
    assert [(200, login.user)] * 6 == answers


def test_a_password_that_stays_wrong_is_the_drivers_error_without_its_frames(
    login: Login, impatient: None
) -> None:
    login.spoil()
    with database("shop", **table(login)) as connection:
        error = raised(connection.cursor)
    assert isinstance(error, OperationalError)
    assert 1045 == error.args[0]
    login.assert_not_in(locals_of(error))


def test_other_failures_are_not_tried_again(login: Login) -> None:
    login.store.get(PASSWORD)
    asked = len(login.memory.calls)
    with database("shop", **table(login, NAME="nowhere")) as connection:
        error = raised(connection.cursor)
    assert 1049 == error.args[0]
    login.assert_not_in(locals_of(error))
    assert asked == len(login.memory.calls)


def test_a_secret_that_is_missing_is_told_by_its_name(login: Login) -> None:
    with database("shop", **table(login, PASSWORD=secret("db/other", store=login.store))) as connection:
        assert isinstance(raised(connection.cursor), SecretNotFound)


def test_the_debug_page_of_a_refused_login_shows_no_password(login: Login, impatient: None) -> None:
    secretsource.configure(chain=[MemoryResolver({"django/secret_key": "made for this test"})])
    login.spoil()

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(who(connections["shop"]))

    views["who"] = view
    with database("shop", **table(login)), override_settings(DEBUG=True):
        status, page = get("who")
    assert 500 == status
    assert "conn_params" in page
    login.assert_not_in(page)


def test_dbshell_has_the_password_of_now(login: Login, capfd: pytest.CaptureFixture[str]) -> None:
    with database("shop", **table(login)):
        login.next_user()
        login.notice()
        commanded("dbshell", "--database", "shop", "--", "--skip-column-names", "-e", "SELECT user()")
    assert capfd.readouterr().out.startswith(f"{login.user}@")


def test_a_test_database_is_made_cloned_and_dropped(server: MariaDB, login: Login) -> None:
    import django

    more: dict[str, Any] = {"serialize": False} if django.VERSION < (6,) else {}
    with database("shop", **table(login, TEST={"NAME": "test_shop", "MIGRATE": False})) as connection:
        who(connection)
        login.rotate()
        creation = connection.creation
        creation.create_test_db(verbosity=0, **more)
        server.query("CREATE TABLE test_shop.orders AS SELECT 1 AS id")
        login.rotate()
        creation.clone_test_db("1", verbosity=0)
        assert ["test_shop", "test_shop_1"] == names_of(server)
        assert "secret('db/primary/password')" == repr(connection.settings_dict["PASSWORD"])
        assert ((1,),) == server.query("SELECT id FROM test_shop_1.orders")
        creation.destroy_test_db(verbosity=0, suffix="1")
        creation.destroy_test_db("shop", verbosity=0)
        assert [] == names_of(server)
        assert login.user == who(connection)


def names_of(server: MariaDB) -> list[str]:
    return [str(name) for (name,) in server.query("SHOW DATABASES LIKE 'test%'")]


def test_data_is_dumped(login: Login) -> None:
    with database("shop", **table(login)) as connection:
        commanded("migrate", "--database", "shop", "--verbosity=0")
        login.rotate()
        connection.close()
        assert '"codename": "add_permission"' in commanded(
            "dumpdata", "auth.permission", "--database", "shop"
        )


def test_a_secret_password_under_djangos_engine_is_warned_of(login: Login) -> None:
    with database("shop", **table(login, ENGINE="django.db.backends.mysql")):
        assert 'Use "secretsource.integrations.django.mysql".' in commanded("check", "--tag", "secrets")
