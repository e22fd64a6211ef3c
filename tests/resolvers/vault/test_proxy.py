"""OpenBao's own proxy and agent as the address: they log in, and we send no token."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, BackendUnavailable
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.vault.logins import bao, clock
from tests.resolvers.vault.support import no_environment, quick_retries, read, requests, together
from tests.servers.bao_proxy import BaoProxy
from tests.servers.openbao import OpenBao

__all__ = ["bao", "clock", "no_environment", "quick_retries"]


@pytest.fixture(scope="module", params=["proxy", "agent"])
def proxy(bao: OpenBao, request: pytest.FixtureRequest) -> Iterator[BaoProxy]:
    role = bao.approle(f"r{secrets.token_hex(4)}", ["app"])
    with BaoProxy(bao, role, kind=request.param) as proxy:
        yield proxy


@pytest.fixture
def vault(bao: OpenBao, proxy: BaoProxy) -> Iterator[VaultResolver]:
    bao.clear_audit()
    vault = VaultResolver(address=proxy.url, auth={"method": "none"})
    yield vault
    vault.close()


def test_its_token_reads(vault: VaultResolver) -> None:
    assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))


def test_nobody_logs_in_for_us(bao: OpenBao, vault: VaultResolver) -> None:
    read(vault, "app/x/value")
    assert {"sys/internal/ui/mounts/secret/app/x": 1, "secret/data/app/x": 1} == dict(requests(bao))


def test_a_denial_of_its_token_is_one(bao: OpenBao, vault: VaultResolver) -> None:
    with pytest.raises(AccessDenied):
        read(vault, "closed/x/value")
    assert 1 == requests(bao)["secret/data/closed/x"]


def test_a_token_of_ours_goes_before_its_own(bao: OpenBao, proxy: BaoProxy) -> None:
    auth = {"method": "token", "token": bao.token(["default"])}
    with pytest.raises(AccessDenied):
        read(VaultResolver(address=proxy.url, auth=auth), "app/x/value")


def test_a_token_in_the_environment_is_not_sent(
    vault: VaultResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "s.of-somebody-else")
    assert "x" == read(vault, "app/x/value")


def test_the_server_itself_refuses_who_sends_no_token(bao: OpenBao) -> None:
    with pytest.raises(AccessDenied):
        read(VaultResolver(address=bao.url, auth={"method": "none"}), "app/x/value")


def test_it_says_who_it_is(vault: VaultResolver) -> None:
    health = vault.check(Deadline(5))
    assert "approle (policies: app, default)" == health.identity


def test_one_that_is_gone_is_an_outage(bao: OpenBao) -> None:
    with BaoProxy(bao, bao.approle("gone", ["app"])) as proxy:
        vault = VaultResolver(address=proxy.url, auth={"method": "none"})
        assert "x" == read(vault, "app/x/value")
    with pytest.raises(BackendUnavailable):
        read(vault, "app/x/value")
