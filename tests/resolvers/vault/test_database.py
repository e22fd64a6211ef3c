"""End to end: OpenBao issues users of a real PostgreSQL, and an application works through the ends of their leases."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import psycopg_pool
import pytest

from secretsource import AccessDenied, BackendUnavailable, Link, Store
from secretsource.resolvers import Deadline
from tests.resolvers.vault.database import POLICY, Database, until
from tests.resolvers.vault.support import fetch, no_environment, quick_retries
from tests.servers.relay import Relay

__all__ = ["no_environment", "quick_retries"]

QUERY = "SELECT current_user, id FROM orders"


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database() as database:
        yield database


class Application:
    """Queries all the time, through pools that read the login from a store.

    Args:
        database: Where.
        store: From which user and password are read.
        role: Of OpenBao's database engine.
    """

    def __init__(self, database: Database, store: Store, role: str) -> None:
        self._reference = f"vault://database/creds/{role}"
        self._store = store
        self._address = f"host=127.0.0.1 port={database.postgres.port} dbname=postgres"
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self.users: list[str] = []
        self.logins: set[tuple[str, str]] = set()
        self.failures: list[BaseException] = []
        self.queries = 0

    def login(self) -> dict[str, str]:
        fields = self._store.get_fields(self._reference)
        self.logins.add((fields["username"].reveal(), fields["password"].reveal()))
        return {"user": fields["username"], "password": fields["password"]}

    async def alogin(self) -> dict[str, str]:
        fields = await self._store.aget_fields(self._reference)
        return {"user": fields["username"], "password": fields["password"]}

    def query_in_threads(self, count: int = 4) -> None:
        pool = psycopg_pool.ConnectionPool(
            self._address,
            kwargs=self.login,
            min_size=count,
            open=True,
            check=psycopg_pool.ConnectionPool.check_connection,
        )
        stop = self._store.on_rotation(f"{self._reference}#password", lambda old, new: pool.drain())

        def work() -> None:
            while not self._stopped.is_set():
                with pool.connection() as connection:
                    self._note(connection.execute(QUERY).fetchall())
                self.login()
                time.sleep(0.01)

        def run() -> None:
            workers = [threading.Thread(target=self._guarded, args=(work,)) for _ in range(count)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            stop()
            pool.close()

        self._start(run)

    def query_in_coroutines(self, count: int = 4) -> None:
        async def work(pool: psycopg_pool.AsyncConnectionPool) -> None:
            while not self._stopped.is_set():
                async with pool.connection() as connection:
                    cursor = await connection.execute(QUERY)
                    self._note(await cursor.fetchall())
                await asyncio.sleep(0.01)

        async def run() -> None:
            loop = asyncio.get_running_loop()
            async with psycopg_pool.AsyncConnectionPool(
                self._address, kwargs=self.alogin, min_size=count, open=False
            ) as pool:

                def drain(old: object, new: object) -> None:
                    asyncio.run_coroutine_threadsafe(pool.drain(), loop)

                stop = self._store.on_rotation(f"{self._reference}#password", drain)
                async with asyncio.TaskGroup() as group:
                    for _ in range(count):
                        group.create_task(work(pool))
                stop()

        self._start(lambda: self._guarded(lambda: asyncio.run(run())))

    def _start(self, run: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to show it
            self.failures.append(error)

    def _note(self, rows: list[tuple[object, ...]]) -> None:
        ((user, number),) = rows
        assert number == 1
        self.queries += 1
        if user not in self.users:
            self.users.append(str(user))

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.slow
@pytest.mark.timed  # leases of seconds end in real time, whether the process had a core or not
def test_no_query_fails_while_users_come_and_go(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.role("short", default=6, most=6)
    resolver = database.resolver(revoke_on_close=True)
    store = Store([resolver], ttl=300)
    application = Application(database, store, "short")
    try:
        application.query_in_threads()
        application.query_in_coroutines()
        assert until(lambda: application.queries > 50, seconds=5)
        assert 204 == database.bao.api("POST", "database/rotate-root/shop").status
        assert until(lambda: len(application.users) >= 4, seconds=24)
    finally:
        application.stop()
        store.close()
    assert [] == application.failures
    assert [] == [each.getMessage() for each in caplog.records if each.name == "secretsource"], "an outage"
    assert len(application.users) == len({user for user, _ in application.logins})
    assert len(application.users) == len(application.logins)
    assert until(lambda: database.issued() == set(), seconds=3)


@pytest.mark.slow
@pytest.mark.timed  # leases of seconds end in real time, whether the process had a core or not
def test_no_query_fails_while_openbao_is_away_for_a_part_of_the_lease(database: Database) -> None:
    database.role("away", default=10, most=10)
    with Relay(database.bao.url) as relay:
        store = Store([database.resolver(address=relay.url)], ttl=300)
        application = Application(database, store, "away")
        try:
            application.query_in_threads()
            assert until(lambda: application.queries > 0, seconds=5)
            time.sleep(5)  # the refresh comes after 6 to 7.3 s
            relay.down()
            time.sleep(2.5)
            relay.up()
            assert until(lambda: len(application.users) >= 2, seconds=5)
            time.sleep(2)  # past the end of the first lease
        finally:
            application.stop()
            store.close()
    assert [] == application.failures
    assert 2 == len(application.logins)


def test_a_user_whose_lease_is_renewed_stays_the_same(database: Database) -> None:
    database.role("long", default=2, most=3600)
    with Store([database.resolver()], ttl=300) as store:
        users = set()
        started = time.monotonic()
        while time.monotonic() - started < 4.5:
            login = store.get_fields("vault://database/creds/long")
            users.add(login["username"])
            time.sleep(0.05)
        with database.postgres.connect(login["username"], login["password"]) as connection:
            assert [(login["username"], 1)] == connection.execute(QUERY).fetchall()
    assert 1 == len(users)


def test_a_user_that_was_revoked_is_replaced_at_the_refresh(database: Database) -> None:
    database.role("revoked", default=3600, most=3600)
    with Store([Link(database.resolver())], ttl=1) as store:
        before = store.get_fields("vault://database/creds/revoked")["username"]
        database.bao.api("PUT", "sys/leases/revoke-prefix/database/creds/revoked")
        assert until(
            lambda: store.get_fields("vault://database/creds/revoked")["username"] != before, seconds=3
        )


def test_what_reader_asks_fresh_is_another_user(database: Database) -> None:
    database.role("fresh", default=60, most=60)
    with Store([database.resolver(revoke_on_close=True)]) as store:
        name = "vault://database/creds/fresh#username"
        assert store.get(name).value != store.get(name, refresh=True).value
        assert 2 == len([user for user in database.issued() if "-fresh-" in user])
    assert until(lambda: not any("-fresh-" in user for user in database.issued()), seconds=3)


def test_a_right_that_was_taken_away_is_told_by_a_fresh_read(database: Database) -> None:
    database.role("denied", default=60, most=60)
    resolver = database.resolver()
    with Store([resolver]) as store:
        store.get("vault://database/creds/denied#password")
        database.bao.policy("app", 'path "database/creds/none" { capabilities = ["read"] }')
        try:
            with pytest.raises(AccessDenied):
                store.get("vault://database/creds/denied#password", refresh=True)
        finally:
            database.bao.policy("app", POLICY)


def test_the_password_of_a_static_role_is_read_anew_after_its_rotation(database: Database) -> None:
    database.postgres.query("CREATE ROLE fixed LOGIN PASSWORD 'x' IN ROLE readers")
    database.usual.add("fixed")
    static = {"db_name": "shop", "username": "fixed", "rotation_period": "5s"}
    assert 204 == database.bao.api("POST", "database/static-roles/fixed", static).status
    with Store([database.resolver()], ttl=300) as store:
        name = "vault://database/static-creds/fixed"
        before = store.get_fields(name)["password"]
        assert 204 == database.bao.api("POST", "database/rotate-role/fixed").status
        assert until(lambda: store.get_fields(name)["password"] != before, seconds=5)
        with database.postgres.connect("fixed", store.get_fields(name)["password"]) as connection:
            assert [("fixed", 1)] == connection.execute(QUERY).fetchall()


def test_a_lease_is_no_longer_than_the_token_lives(database: Database) -> None:
    database.role("tied", default=3600, most=3600)
    token = database.bao.token(["app"], ttl="30s")
    resolver = database.resolver(auth={"method": "token", "token": token})
    document = fetch(resolver, "vault://database/creds/tied", document=True)
    assert 25 < (document.lease or 0) <= 30
    location = resolver.locate("vault://database/creds/tied", document=True)
    seconds = resolver.renew(location, document, Deadline(5))
    assert 25 < (seconds or 0) <= 30


@pytest.mark.slow
@pytest.mark.timed  # leases of seconds end in real time, whether the process had a core or not
def test_no_query_fails_while_the_logins_behind_the_users_end(database: Database) -> None:
    database.role("logins", default=3600, most=3600)
    role_id, secret_id = database.bao.approle("logins", ["app"], token_ttl="6s", token_max_ttl="6s")
    auth = {"method": "approle", "role_id": role_id, "secret_id": secret_id}
    store = Store([database.resolver(auth=auth)], ttl=300)
    application = Application(database, store, "logins")
    try:
        application.query_in_threads()
        assert until(lambda: len(application.users) >= 3, seconds=15)
    finally:
        application.stop()
        store.close()
    assert [] == application.failures
    issued = [user for user, _ in application.logins]
    assert set(application.users) <= set(issued)
    assert len(issued) == len(set(issued)), "a user with two passwords"


def test_a_database_that_is_down_at_a_renewal_is_an_outage() -> None:
    with Database() as database:
        database.role("down", default=60, most=3600)
        resolver = database.resolver(auth={"method": "token", "token": database.bao.root_token})
        name = "vault://database/creds/down"
        document = fetch(resolver, name, document=True)
        client = resolver._client.get()
        lease = client.leases.get(document.version)
        assert lease is not None
        lease.ends_at -= 40  # as if two thirds were over
        database.postgres.stop()
        with pytest.raises(BackendUnavailable, match="what is behind the lease cannot be reached"):
            resolver.renew(resolver.locate(name, document=True), document, Deadline(5))
        assert lease is client.leases.get(document.version)
