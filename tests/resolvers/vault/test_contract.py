"""A resolver that logs in keeps the contract too: the server's own token stands behind a role and a secret id."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from secretsource.resolvers.vault import VaultResolver
from tests.resolvers import test_contract_vault as contract
from tests.resolvers.vault.support import no_environment
from tests.servers.openbao import OpenBao

__all__ = ["bao", "database", "no_environment"]

bao = contract.bao
database = contract.database


class TestWithALogin(contract.TestKv2):
    @pytest.fixture(autouse=True)
    def _login(self, bao: OpenBao, _server: None) -> None:
        self.role_id, self.secret_id = bao.approle("contract", [self._policy])

    def make_resolver(self) -> VaultResolver:
        if self._lends:
            return super().make_resolver()
        auth = {"method": "approle", "role_id": self.role_id, "secret_id": self.secret_id}
        return VaultResolver(address=self.bao.url, mount=self.mount, prefix=self.prefix, auth=auth)

    def credentials(self) -> Iterable[str]:
        return [self.secret_id]
