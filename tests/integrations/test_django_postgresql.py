"""Django's engine for PostgreSQL on a real server whose passwords change."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import django
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import OperationalError, connections
from django.http import HttpResponse
from django.test.utils import override_settings

import secretsource
from secretsource import BackendUnavailable, SecretNotFound
from secretsource.integrations import _login
from secretsource.integrations.django import secret
from secretsource.integrations.django.postgresql.base import DatabaseWrapper, is_refused
from secretsource.testing import MemoryResolver
from tests.integrations.database import PASSWORD, USER, Login, locals_of, raised
from tests.integrations.django_project import commanded, configured, database, get, views
from tests.servers._process import LOOPBACK
from tests.servers.postgres import SUPERUSER, Postgres, _program

configured()
ENGINE = "secretsource.integrations.django.postgresql"
HAS_POOL = django.VERSION >= (5, 1)
pooled = pytest.mark.skipif(not HAS_POOL, reason="Django has pools since 5.1")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def login(server: Postgres) -> Iterator[Login]:
    login = Login(server)
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
        "NAME": "postgres",
        "HOST": LOOPBACK,
        "PORT": login.server.port,
        "USER": secret(USER, store=login.store),
        "PASSWORD": secret(PASSWORD, store=login.store),
        **more,
    }


def who(connection: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        return str(cursor.fetchone()[0])


class TestConnections:
    def test_user_and_password_are_read_for_each_new_connection(self, login: Login) -> None:
        with database("shop", **table(login)) as connection:
            assert login.user == who(connection)
            first = login.user
            login.next_user()
            login.notice()
            assert first == who(connection), "the connection that is open goes on"
            connection.close()
            assert login.user == who(connection)
            assert first != login.user

    def test_a_password_that_is_refused_is_read_anew(self, login: Login) -> None:
        with database("shop", **table(login)) as connection:
            who(connection)
            login.rotate()
            connection.close()
            assert login.user == who(connection)

    def test_a_password_that_arrives_later_is_waited_for(self, login: Login) -> None:
        with database("shop", **table(login)) as connection:
            who(connection)
            login.rotate(later=0.3)
            connection.close()
            assert login.user == who(connection)

    def test_a_plain_user_may_stand_beside_a_secret_password(self, login: Login) -> None:
        with database("shop", **table(login, USER=login.user)) as connection:
            who(connection)
            login.rotate()
            connection.close()
            assert login.user == who(connection)

    def test_plain_settings_work_as_with_djangos_engine(self, server: Postgres, login: Login) -> None:
        with database("shop", **table(login, USER=SUPERUSER, PASSWORD=server.password)) as connection:
            assert SUPERUSER == who(connection)

    def test_the_process_wide_store_is_the_one_of_the_moment(self, login: Login) -> None:
        with database("shop", **table(login, USER=secret(USER), PASSWORD=secret(PASSWORD))) as connection:
            secretsource.configure(chain=[login.memory])
            assert login.user == who(connection)

    def test_two_stores_for_one_login_are_refused(self, login: Login) -> None:
        with database("shop", **table(login, USER=secret(USER))) as connection:
            with pytest.raises(ImproperlyConfigured, match="the same store"):
                connection.connect()

    def test_other_options_may_be_secrets(self, login: Login) -> None:
        login.memory.put("app/name", "the-shop")
        options = {"application_name": secret("app/name", store=login.store)}
        with database("shop", **table(login, OPTIONS=options)) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SHOW application_name")
                assert ("the-shop",) == cursor.fetchone()


class TestFailures:
    def test_a_password_that_stays_wrong_is_the_drivers_error_without_its_frames(
        self, login: Login, impatient: None
    ) -> None:
        login.spoil()
        with database("shop", **table(login)) as connection, override_settings(DEBUG=True):
            error = raised(connection.cursor)
        assert isinstance(error, OperationalError)
        assert "password authentication failed" in str(error)
        login.assert_not_in(locals_of(error))

    def test_other_failures_are_not_tried_again(self, login: Login) -> None:
        login.store.get(PASSWORD)
        asked = len(login.memory.calls)
        with database("shop", **table(login, NAME="nowhere")) as connection:
            error = raised(connection.cursor)
        assert 'database "nowhere" does not exist' in str(error)
        login.assert_not_in(locals_of(error))
        assert asked == len(login.memory.calls)

    def test_a_secret_that_is_missing_is_told_by_its_name(self, login: Login) -> None:
        with database("shop", **table(login, PASSWORD=secret("db/other", store=login.store))) as connection:
            error = raised(connection.cursor)
        assert isinstance(error, SecretNotFound)
        assert "'db/other' was not found" in str(error)

    def test_an_outage_is_bridged_by_the_value_in_use(self, login: Login) -> None:
        with database("shop", **table(login)) as connection:
            who(connection)
            login.memory.fail("server")
            connection.close()
            assert login.user == who(connection)
            login.store.invalidate()
            connection.close()
            with pytest.raises(BackendUnavailable):
                who(connection)

    def test_the_debug_page_of_a_refused_login_shows_no_password(self, login: Login, impatient: None) -> None:
        secretsource.configure(chain=[MemoryResolver({"django/secret_key": "made for this test"})])
        login.spoil()
        views["who"] = lambda request: HttpResponse(who(connections["shop"]))
        with database("shop", **table(login)), override_settings(DEBUG=True):
            status, page = get("who")
        assert 500 == status
        assert "conn_params" in page
        login.assert_not_in(page)

    def test_nothing_of_a_connection_shows_a_password(self, login: Login) -> None:
        with database("shop", **table(login)) as connection:
            who(connection)
            login.assert_not_in(repr(connection.settings_dict) + repr(connection) + repr(vars(connection)))
            login.assert_not_in(repr(connection.get_connection_params()))
            assert {"user", "password"}.isdisjoint(connection.get_connection_params())
            pickle.dumps(secret(PASSWORD))

    @pytest.mark.parametrize(
        ("expected", "words"),
        [
            (True, 'FATAL:  password authentication failed for user "x"'),
            (True, "FATAL: SASL authentication failed"),
            (True, 'FATAL:  role "x" is not permitted to log in'),
            (False, "FATAL:  too many connections"),
            (False, "connection refused"),
        ],
    )
    def test_a_refusal_is_known_by_its_words(self, expected: bool, words: str) -> None:
        assert expected is is_refused(DatabaseWrapper.Database.OperationalError(words))

    def test_a_refusal_is_known_by_its_state(self) -> None:
        class Refused(DatabaseWrapper.Database.OperationalError):  # type: ignore[misc,name-defined]  # of the driver
            sqlstate = "28P01"

        assert is_refused(Refused("Passwort-Authentifizierung fehlgeschlagen"))
        assert not is_refused(ValueError("password authentication failed"))


class TestRequests:
    """A server answers without a failure while the password changes and connections are ended."""

    @pytest.fixture(
        params=[
            {},
            {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True},
            pytest.param(
                {
                    "CONN_HEALTH_CHECKS": True,
                    "OPTIONS": {"pool": {"min_size": 1, "max_size": 2, "timeout": 8}},
                },
                marks=pooled,
            ),
        ],
        ids=["each", "kept", "pooled"],
    )
    def more(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        return dict(request.param)

    def test_a_rotation_is_not_seen(self, login: Login, more: dict[str, Any]) -> None:
        views["who"] = lambda request: HttpResponse(who(connections["shop"]))
        answers = []
        with database("shop", **table(login, **more)):
            for _ in range(3):
                answers.append(get("who"))
                login.rotate()
                login.server.end_connections(login.user)
                answers.append(get("who"))
        assert [(200, login.user)] * 6 == answers

    def test_another_user_is_taken(self, login: Login, more: dict[str, Any]) -> None:
        views["who"] = lambda request: HttpResponse(who(connections["shop"]))
        with database("shop", **table(login, **more)):
            first = get("who")
            before = login.user
            login.next_user()
            login.notice()
            login.server.end_connections(before)
            assert [(200, before), (200, login.user)] == [first, get("who")]


@pooled
class TestPool:
    OPTIONS: ClassVar[dict[str, Any]] = {"pool": {"min_size": 1, "max_size": 2, "timeout": 8}}

    def test_it_holds_neither_user_nor_password(self, login: Login) -> None:
        with database("shop", **table(login, OPTIONS=self.OPTIONS)) as connection:
            who(connection)
            assert {"user", "password"}.isdisjoint(connection.pool.kwargs)
            login.assert_not_in(repr(vars(connection.pool)))

    def test_its_open_connections_need_no_backend(self, login: Login) -> None:
        with database("shop", **table(login, OPTIONS=self.OPTIONS)) as connection:
            who(connection)
            connection.close()
            login.memory.fail("server")
            login.store.invalidate()
            assert login.user == who(connection)

    def test_its_own_class_of_connections_stays(self, login: Login) -> None:
        import psycopg

        class Own(psycopg.Connection[Any]):
            pass

        options = {"pool": {**self.OPTIONS["pool"], "connection_class": Own}}
        with database("shop", **table(login, OPTIONS=options)) as connection:
            assert login.user == who(connection)
            assert isinstance(connection.connection, Own)
            assert connection.pool.connection_class.plain is Own

    def test_a_pool_with_plain_settings_is_djangos(self, server: Postgres, login: Login) -> None:
        import psycopg

        plain = {"USER": SUPERUSER, "PASSWORD": server.password}
        with database("shop", **table(login, OPTIONS=self.OPTIONS, **plain)) as connection:
            assert SUPERUSER == who(connection)
            assert psycopg.Connection is connection.pool.connection_class

    def test_threads_share_it_over_a_rotation(self, login: Login) -> None:
        seen: list[str] = []

        def ask() -> None:
            for _ in range(3):
                seen.append(who(connections["shop"]))
                connections["shop"].close()

        options = {"OPTIONS": self.OPTIONS, "CONN_HEALTH_CHECKS": True}
        with database("shop", **table(login, **options)) as connection:
            who(connection)
            connection.close()
            login.rotate()
            login.server.end_connections(login.user)
            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert [login.user] * 12 == seen


class TestCommands:
    def test_dbshell_has_the_password_of_now(
        self, login: Login, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PATH", str(Path(_program("psql")).parent), prepend=os.pathsep)
        with database("shop", **table(login)):
            login.next_user()
            login.notice()
            commanded("dbshell", "--database", "shop", "--", "-Atc", "SELECT session_user")
        assert f"{login.user}\n" == capfd.readouterr().out

    def test_dbshell_tells_which_secret_is_missing(self, login: Login) -> None:
        with database("shop", **table(login, PASSWORD=secret("db/other", store=login.store))):
            with pytest.raises((SecretNotFound, CommandError), match="db/other"):
                commanded("dbshell", "--database", "shop")

    def test_a_test_database_is_made_cloned_and_dropped(self, server: Postgres, login: Login) -> None:
        server.query(f"ALTER ROLE {login.user} CREATEDB")
        with database("shop", **table(login, TEST={"NAME": "test_shop", "MIGRATE": False})) as connection:
            who(connection)
            login.rotate()
            creation = connection.creation
            creation.create_test_db(verbosity=0, **({"serialize": False} if django.VERSION < (6,) else {}))
            login.rotate()
            creation.clone_test_db("1", verbosity=0)
            assert ["test_shop", "test_shop_1"] == names_of(server)
            creation.destroy_test_db(verbosity=0, suffix="1")
            creation.destroy_test_db("postgres", verbosity=0)
            assert [] == names_of(server)
            assert login.user == who(connection)

    def test_data_is_dumped(self, server: Postgres, login: Login) -> None:
        server.query(f"GRANT ALL ON SCHEMA public TO {login.user}")
        with database("shop", **table(login)) as connection:
            commanded("migrate", "--database", "shop", "--verbosity=0")
            login.rotate()
            connection.close()
            assert '"codename": "add_permission"' in commanded(
                "dumpdata", "auth.permission", "--database", "shop"
            )


def names_of(server: Postgres) -> list[str]:
    rows = server.query("SELECT datname FROM pg_database WHERE datname LIKE 'test%' ORDER BY datname")
    return [str(name) for (name,) in rows]


def test_a_secret_password_under_djangos_engine_is_warned_of(login: Login) -> None:
    with database("shop", **table(login, ENGINE="django.db.backends.postgresql")):
        told = commanded("check", "--tag", "secrets")
    assert "DATABASES['shop']['ENGINE']: (secretsource.W001)" in told
    assert 'Use "secretsource.integrations.django.postgresql".' in told
    with database("shop", **table(login)):
        assert "no issues" in commanded("check", "--tag", "secrets")
