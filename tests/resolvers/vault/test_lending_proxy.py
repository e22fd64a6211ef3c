"""OpenBao's own proxy lends users of a real PostgreSQL: from its cache, as long as they are good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secretsource import Store
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.database import Database, until
from tests.resolvers.vault.lending import borrow, renew
from tests.resolvers.vault.support import no_environment, quick_retries
from tests.servers.bao_proxy import BaoProxy

__all__ = ["no_environment", "quick_retries"]

NAME = "vault://database/creds/app"


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database() as database:
        database.role("app", default=60, most=3600)
        yield database


@pytest.fixture
def proxy(database: Database) -> Iterator[BaoProxy]:
    with BaoProxy(database.bao, database.bao.approle("proxy", ["app", "revoking"])) as proxy:
        yield proxy


def _resolver(proxy: BaoProxy, **settings: object) -> VaultResolver:
    return VaultResolver(**{"address": proxy.url, "auth": {"method": "none"}, **settings})


def test_processes_share_the_user_that_the_proxy_keeps(proxy: BaoProxy) -> None:
    first, second = borrow(_resolver(proxy), NAME), borrow(_resolver(proxy), NAME)
    assert first.fields["username"] == second.fields["username"]
    assert 50 < (second.lease or 0) <= 60


def test_closing_one_leaves_the_user_to_the_others(database: Database, proxy: BaoProxy) -> None:
    one, other = _resolver(proxy, revoke_on_close=True), _resolver(proxy)
    user = borrow(one, NAME).fields["username"]
    borrow(other, NAME)
    one.close()
    assert 50 < (renew(other, NAME) or 0) <= 60
    assert user in database.issued()


def test_a_user_that_was_revoked_is_replaced_though_the_proxy_keeps_it(
    database: Database, proxy: BaoProxy
) -> None:
    vault = _resolver(proxy)
    user = borrow(vault, NAME).fields["username"]
    database.bao.api("PUT", "sys/leases/revoke-prefix/database/creds/app")
    assert until(lambda: user not in database.issued(), seconds=5)
    assert renew(vault, NAME) is None
    assert user != borrow(vault, NAME).fields["username"]
    assert borrow(vault, NAME).fields["username"] in database.issued()


def test_a_fresh_read_goes_past_what_the_proxy_keeps(proxy: BaoProxy) -> None:
    with Store([_resolver(proxy)]) as store:
        name = f"{NAME}#username"
        assert store.get(name).value != store.get(name, refresh=True).value
