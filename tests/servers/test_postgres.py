"""PostgreSQL and the relay do what the tests of leases believe."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.servers._http import request
from tests.servers.openbao import OpenBao
from tests.servers.postgres import SUPERUSER, Postgres
from tests.servers.relay import Relay


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


def test_it_answers_queries(postgres: Postgres) -> None:
    assert [(2,)] == postgres.query("SELECT 1 + 1")
    assert [] == postgres.query("CREATE TABLE things (id int)")


def test_another_admin_may_make_users(postgres: Postgres) -> None:
    password = postgres.create_admin("other")
    with postgres.connect("other", password) as connection:
        connection.execute("CREATE ROLE made")
    assert ["made", "other", SUPERUSER] == postgres.roles()


def test_a_wrong_password_is_refused(postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        postgres.connect(SUPERUSER, secrets.token_hex(8))


def test_it_never_runs_as_root(postgres: Postgres) -> None:
    pid = int((postgres._data / "postmaster.pid").read_text().split()[0])
    assert 0 != Path(f"/proc/{pid}").stat().st_uid


def test_it_ends_at_once_with_clients_connected_and_leaves_nothing() -> None:
    with Postgres() as server:
        connection = server.connect(SUPERUSER, server.password)
        folder, pid = server._folder, int((server._data / "postmaster.pid").read_text().split()[0])
    assert not folder.exists()
    assert not Path(f"/proc/{pid}").exists()
    connection.close()


def test_a_relay_passes_on_and_refuses_while_it_is_down() -> None:
    with OpenBao() as bao, Relay(bao.url) as relay:
        url = f"{relay.url}/v1/sys/health"
        assert 200 == request("GET", url).status
        relay.down()
        with pytest.raises(ConnectionRefusedError):
            request("GET", url)
        relay.up()
        assert 200 == request("GET", url).status
