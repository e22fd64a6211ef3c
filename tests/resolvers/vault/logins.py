"""What the tests of logins share: a real OpenBao with a secret, a clock that is moved by hand, an AppRole."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Iterator

import pytest

from secretsource._deadline import Deadline
from secretsource.resolvers.vault import VaultResolver, _client
from tests.fakes import FakeClock
from tests.servers.openbao import OpenBao

__all__ = ["APPROLE_LOGIN", "FakeClock", "approle", "bao", "clock", "newest_token", "token_resolver"]

APPROLE_LOGIN = "auth/approle/login"
READ = 'path "secret/data/app/*" { capabilities = ["read"] }'


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    """Start a server in which the policy `app` may read `secret/app/x`, and not `secret/closed/x`."""
    with OpenBao(audit=True) as server:
        server.policy("app", READ)
        server.put("secret", "app/x", {"value": "x"})
        server.put("secret", "closed/x", {"value": "x"})
        yield server


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Have resolvers that are used from now on measure the lives of tokens with a clock of ours."""
    clock = FakeClock()
    # The resolver builds its client with the clock of the system: no setting of users names one.
    with_clock = functools.partial(_client.Client, clock=clock)
    monkeypatch.setattr(_client, "Client", with_clock)
    return clock


def approle(bao: OpenBao, **more: object) -> VaultResolver:
    """Build a resolver that logs in with an AppRole of its own; *more* are fields of the role."""
    role_id, secret_id = bao.approle(f"r{secrets.token_hex(4)}", ["app"], **more)
    bao.clear_audit()
    return VaultResolver(
        address=bao.url, auth={"method": "approle", "role_id": role_id, "secret_id": secret_id}
    )


def token_resolver(bao: OpenBao, token: str) -> VaultResolver:
    """Build a resolver with a token that is given."""
    bao.clear_audit()
    return VaultResolver(address=bao.url, auth={"method": "token", "token": token})


def newest_token(vault: VaultResolver) -> str:
    """Return the token that *vault* uses."""
    return vault._client.get().tokens.current(Deadline(1)).value.reveal()
